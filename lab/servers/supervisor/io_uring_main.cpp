// The servers with Asio on io_uring instead of epoll: a program of its own, because Asio decides that when it
// is compiled. Started by lab (backend.hpp).
#include "lab/servers/supervisor/backend.hpp"

int main(int count, char** arguments) {
  return lab::serve_from_arguments(count, arguments);
}
