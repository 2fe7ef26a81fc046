// Stands in for libpq in the statically linked lab: Debian's libpq.a needs Kerberos and LDAP, of which there
// is no static library. Every attempt to connect fails as a server that cannot be reached does, with the
// reason.
#include <libpq-fe.h>

PGconn* PQconnectdb(const char* /*text*/) {
  return nullptr;
}
PGconn* PQconnectStart(const char* /*text*/) {
  return nullptr;
}
PGconn* PQconnectdbParams(const char* const* /*keys*/, const char* const* /*values*/, int /*expand*/) {
  return nullptr;
}
ConnStatusType PQstatus(const PGconn* /*connection*/) {
  return CONNECTION_BAD;
}
char* PQerrorMessage(const PGconn* /*connection*/) {
  static char text[] =
      "this statically linked lab has no PostgreSQL client; use the Debian package or ./labw";
  return text;
}
void PQfinish(PGconn* /*connection*/) {}
PostgresPollingStatusType PQconnectPoll(PGconn* /*connection*/) {
  return PGRES_POLLING_FAILED;
}
int PQsocket(const PGconn* /*connection*/) {
  return -1;
}
int PQlibVersion() {
  return 0;
}
PGresult* PQprepare(PGconn* /*connection*/, const char* /*name*/, const char* /*query*/, int /*count*/,
                    const Oid* /*types*/) {
  return nullptr;
}
int PQsendQueryParams(PGconn* /*connection*/, const char* /*command*/, int /*count*/, const Oid* /*types*/,
                      const char* const* /*values*/, const int* /*lengths*/, const int* /*formats*/,
                      int /*format*/) {
  return 0;
}
int PQconsumeInput(PGconn* /*connection*/) {
  return 0;
}
int PQisBusy(PGconn* /*connection*/) {
  return 0;
}
PGresult* PQgetResult(PGconn* /*connection*/) {
  return nullptr;
}
ExecStatusType PQresultStatus(const PGresult* /*result*/) {
  return PGRES_FATAL_ERROR;
}
void PQclear(PGresult* /*result*/) {}
