#include "lab/page/admission.hpp"

#include <catch2/catch.hpp>
#include <set>

using lab::Admission;
using lab::admit;
using lab::PageKeys;
using lab::PageRequest;
using lab::PageRole;
using lab::PageRoute;

namespace {

using Field = std::optional<std::string>;

const PageKeys kPageKeys{"f1rst", "c00kie", "lab-page-4711", {"127.0.0.1:4711", "localhost:4711"}};

struct PageAsk {
  const char* method;
  const char* target;
  bool there, allowed, writes;
};
constexpr PageAsk kAsked[] = {{"GET", "/", true, true, false},
                              {"GET", "/page.js", true, true, false},
                              {"GET", "/api/events", true, true, false},
                              {"GET", "/api/recorded?scenario=gil", true, true, false},
                              {"POST", "/api/run", true, true, true},
                              {"POST", "/api/stop", true, true, true},
                              {"POST", "/api/call", true, true, true},
                              {"POST", "/api/vote", true, true, true},
                              {"GET", "/api/votes", true, true, false},
                              {"GET", "/api/ballot", false, false, false},
                              {"POST", "/api/guess", false, false, true},
                              {"GET", "/api/run", true, false, false},
                              {"PUT", "/api/run", true, false, false},
                              {"POST", "/", true, false, false},
                              {"DELETE", "/page.js", true, false, false},
                              {"GET", "/api/none", false, false, false}};

}  // namespace

TEST_CASE("Every combination of name, page, key and body is let in or refused as the rules say") {
  int let_in = 0;
  int combinations = 0;
  for (const PageAsk& asked : kAsked) {
    for (const Field& host : {Field("127.0.0.1:4711"), Field("localhost:4711"), Field("127.0.0.1"),
                              Field("evil.example:4711"), Field()}) {
      for (const Field& origin : {Field(), Field("http://" + host.value_or("")), Field("http://evil.example"),
                                  Field("null"), Field("https://127.0.0.1:4711"), Field("")}) {
        for (const int key : {0, 1, 2, 3, 4, 5}) {
          for (const Field& type : {Field("application/json"), Field("text/plain"), Field()}) {
            PageRequest request{asked.method, asked.target, host, origin, {}, {}, type};
            if (key == 1) request.cookie = "a=b; lab-page-4711=c00kie";
            if (key == 2) request.cookie = "lab-page-4711=c00kif";
            if (key == 3) request.token = "c00kie";
            if (key == 4) request.token = "f1rst";
            if (key == 5) request.cookie = "xlab-page-4711=c00kie; lab-page-4712=c00kie; lab-page-4711=";
            const bool named = host == Field("127.0.0.1:4711") || host == Field("localhost:4711");
            const bool known = key == 1 || key == 3;
            const bool same = origin ? *origin == "http://" + host.value_or("") : key == 3 || !asked.writes;
            const bool body = !asked.writes || type == Field("application/json");
            const int expected = !named           ? 421
                                 : !asked.there   ? 404
                                 : !asked.allowed ? 405
                                 : !known         ? 403
                                 : !same          ? 403
                                 : !body          ? 415
                                                  : 200;
            CAPTURE(asked.method, asked.target, host.value_or("-"), origin.value_or("-"), key,
                    type.value_or("-"));
            CHECK(admit(request, kPageKeys).status == expected);
            let_in += expected == 200 ? 1 : 0;
            ++combinations;
          }
        }
      }
    }
  }
  CHECK(combinations > 6'000);
  CHECK(let_in > 50);
}

TEST_CASE("Every combination at the students' door is let in or refused as the rules say") {
  PageKeys keys{"", "", "lab-class-80", {"192.168.1.20"}, PageRole::student, {"ph0ne"}};
  struct StudentAsk {
    const char* method;
    const char* target;
    int entitled;  // what a phone gets that was let in
    bool writes;
  };
  constexpr StudentAsk kAsks[] = {{"GET", "/", 200, false},           {"GET", "/page.js", 200, false},
                                  {"GET", "/a.woff2", 200, false},    {"GET", "/api/ballot", 200, false},
                                  {"POST", "/api/guess", 200, true},  {"GET", "/model.js", 404, false},
                                  {"GET", "/index.html", 404, false}, {"GET", "/recorded.svg", 404, false},
                                  {"GET", "/api/none", 404, false},   {"POST", "/page.js", 405, true},
                                  {"GET", "/api/guess", 405, false},  {"POST", "/api/ballot", 405, true},
                                  {"POST", "/api/run", 403, true},    {"POST", "/api/call", 403, true},
                                  {"POST", "/api/stop", 403, true},   {"POST", "/api/vote", 403, true},
                                  {"GET", "/api/votes", 403, false},  {"GET", "/api/events", 403, false}};
  int let_in = 0;
  for (const StudentAsk& asked : kAsks) {
    for (const Field& host : {Field("192.168.1.20"), Field("192.168.1.20:80"), Field("localhost"), Field()}) {
      for (const Field& origin :
           {Field(), Field("http://192.168.1.20"), Field("http://evil.example"), Field("")}) {
        for (const Field& cookie : {Field(), Field("lab-class-80=ph0ne"), Field("lab-class-80=ph0nf"),
                                    Field("lab-class-80="), Field("lab-page-80=ph0ne")}) {
          for (const Field& type : {Field("application/json"), Field("text/plain")}) {
            for (const Field& token : {Field(), Field(""), Field("ph0ne")}) {
              const PageRequest request{asked.method, asked.target, host, origin, cookie, token, type};
              const bool known = cookie == Field("lab-class-80=ph0ne");
              const bool first = !known && asked.target == std::string("/");
              const bool same = origin ? *origin == "http://192.168.1.20" : !asked.writes;
              const int expected = host != Field("192.168.1.20")                         ? 421
                                   : asked.entitled == 404 || asked.entitled == 405      ? asked.entitled
                                   : !(known || first) || asked.entitled == 403 || !same ? 403
                                   : asked.writes && type != Field("application/json")   ? 415
                                                                                         : 200;
              CAPTURE(asked.method, asked.target, host.value_or("-"), origin.value_or("-"),
                      cookie.value_or("-"), type.value_or("-"), token.value_or("-"));
              const Admission admission = admit(request, keys);
              CHECK(admission.status == expected);
              if (expected != 200) continue;
              ++let_in;
              CHECK(admission.first_visit == first);
              CHECK(admission.phone == (known ? "ph0ne" : ""));
            }
          }
        }
      }
    }
  }
  CHECK(let_in > 50);
}

TEST_CASE("More phones than the class has places for are not let in, and those that are known come back") {
  PageKeys keys = PageKeys::for_students("192.168.1.20", 4711);
  const PageRequest fresh{"GET", "/", "192.168.1.20:4711"};
  while (keys.phones.size() < PageKeys::kMaxPhones) {
    REQUIRE(admit(fresh, keys).first_visit);
    keys.phones.insert(lab::random_key());
  }
  CHECK(admit(fresh, keys).status == 503);
  PageRequest known = fresh;
  known.cookie = "lab-class-4711=" + *keys.phones.begin();
  CHECK(admit(known, keys).status == 200);
}

TEST_CASE("The teacher's keys and the printed address open nothing at the students' door") {
  PageKeys keys = PageKeys::for_students("192.168.1.20", 4711);
  const Admission first = admit({"GET", "/?token=f1rst", "192.168.1.20:4711"}, keys);
  CHECK((first.first_visit && first.route == PageRoute::index));
  CHECK(admit({"GET", "/?token=", "192.168.1.20:4711"}, keys).first_visit);
  CHECK(
      admit({"POST", "/api/run", "192.168.1.20:4711", "http://192.168.1.20:4711", {}, "", "application/json"},
            keys)
          .status == 403);
  CHECK(lab::host_and_port("192.168.1.20", 80) == "192.168.1.20");
}

TEST_CASE("The printed address works once and gives the cookie") {
  PageKeys keys = kPageKeys;
  const PageRequest first{"GET", "/?token=f1rst", "127.0.0.1:4711"};
  CHECK(admit(first, keys).first_visit);
  CHECK(admit({"GET", "/?token=f1rsu", "127.0.0.1:4711"}, keys).status == 403);
  CHECK(admit({"GET", "/?token=", "127.0.0.1:4711"}, keys).status == 403);
  CHECK(admit({"GET", "/?token=f1rst", "evil.example"}, keys).status == 421);
  keys.first.clear();
  CHECK(admit(first, keys).status == 403);
}

TEST_CASE("Keys are long, made of random bytes, and never the same") {
  std::set<std::string> seen;
  for (int i = 0; i < 8; ++i) {
    const PageKeys keys = PageKeys::for_teacher(80);
    for (const std::string& key : {keys.first, keys.cookie}) {
      CHECK(key.size() == 64);
      CHECK(seen.insert(key).second);
    }
  }
}

TEST_CASE("A query's value is found by its whole key") {
  CHECK(lab::query_value("/api/recorded?scenario=gil", "scenario") == "gil");
  CHECK(lab::query_value("/?a=1&token=x", "token") == "x");
  CHECK(lab::query_value("/?xtoken=x&token", "token").empty());
  CHECK(lab::query_value("/", "token").empty());
}
