/* Stands before libc's getaddrinfo: asks a slow name server on SLOW_DNS, a UDP port of this machine, and waits for it as
   libc does. (libc's own port, 53, belongs to the machine.) Any name is 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  int (*libcs)(const char*, const char*, const struct addrinfo*, struct addrinfo**) = dlsym(RTLD_NEXT, "getaddrinfo");
  const char* port = getenv("SLOW_DNS");
  if (port == NULL || node == NULL || strstr(node, ".example") == NULL) return libcs(node, service, hints, found);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  char reply[16];
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  if (connect(fd, (struct sockaddr*)&server, sizeof server) == 0 && send(fd, node, strlen(node), 0) > 0 && poll(&readable, 1, 5000) == 1)
    recv(fd, reply, sizeof reply, 0);
  close(fd);
  return libcs("127.0.0.1", service, hints, found);
}
