// cpp-httplib with a pool of threads: httplib PORT THREADS MILLISECONDS
#include <httplib.h>

int main(int, char** argv) {
  httplib::Server server;
  server.new_task_queue = [argv] { return new httplib::ThreadPool(std::stoul(argv[2])); };
  const auto ok = [](httplib::Response& response) { response.set_content("ok", "text/plain"); };
  server.Get("/work", [&](const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(argv[3])));
    ok(response);
  });
  server.Get("/ping", [&](const httplib::Request&, httplib::Response& response) { ok(response); });
  server.listen("127.0.0.1", std::stoi(argv[1]));
}
