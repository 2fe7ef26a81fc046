#include "lab/page/admission.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "lab/core/error.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

struct PageRouteRow {
  std::string_view path, method;
  PageRoute route;
};

/// Every other path is a file's.
constexpr std::array<PageRouteRow, 6> kPageRoutes{{{"/", "GET", PageRoute::index},
                                                   {"/api/call", "POST", PageRoute::call},
                                                   {"/api/run", "POST", PageRoute::run},
                                                   {"/api/stop", "POST", PageRoute::stop},
                                                   {"/api/events", "GET", PageRoute::events},
                                                   {"/api/recorded", "GET", PageRoute::recorded}}};

std::string random_key() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Failure(environment_error("the kernel gives no random bytes for the page's key"));
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// In a time that says nothing of how much is alike. An empty key is nobody's.
bool same_key(std::string_view given, const std::string& key) {
  return !key.empty() && given.size() == key.size() &&
         CRYPTO_memcmp(given.data(), key.data(), key.size()) == 0;
}

/// Of `a=1; lab-page-4711=…`.
std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view one = lab::trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return one.substr(name.size() + 1);
  }
  return {};
}

bool is_json(const std::optional<std::string>& type) {
  return type && equals_ignoring_case(lab::trim(std::string_view(*type).substr(0, type->find(';'))),
                                      "application/json");
}

}  // namespace

PageKeys PageKeys::make(int port) {
  PageKeys keys{random_key(), random_key(), fmt::format("lab-page-{}", port), {}};
  for (const char* name : {"127.0.0.1", "localhost"}) keys.hosts.push_back(fmt::format("{}:{}", name, port));
  return keys;
}

std::string_view query_value(std::string_view target, std::string_view key) {
  std::string_view query = target.substr(std::min(target.find('?'), target.size()));
  while (!query.empty()) {
    query.remove_prefix(1);
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(end);
    if (one.size() > key.size() && one.starts_with(key) && one[key.size()] == '=')
      return one.substr(key.size() + 1);
  }
  return {};
}

Admission admit(const PageRequest& request, const PageKeys& keys) {
  // A page of another name that points here (DNS rebinding) is nobody's business.
  if (!request.host || !contains(keys.hosts, *request.host))
    return {.status = 421, .why = "this server has another name"};
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const auto row = std::ranges::find(kPageRoutes, path, &PageRouteRow::path);
  const bool known = row != kPageRoutes.end();
  if (!known && path.starts_with("/api/")) return {.status = 404, .why = "there is no such address"};
  const std::string_view method = known ? row->method : "GET";
  Admission admission{.route = known ? row->route : PageRoute::file};
  const auto refuse = [&](int status, std::string_view why) {
    return Admission{.status = status, .route = admission.route, .why = why, .allow = method};
  };
  if (request.method != method) return refuse(405, "not with this method");
  const std::string_view first = query_value(target, "token");
  if (admission.route == PageRoute::index && !first.empty()) {
    if (!same_key(first, keys.first))
      return refuse(403, "this address was used before; start lab demo once more for a new one");
    admission.first_visit = true;
    return admission;
  }
  const bool by_token = request.token && same_key(*request.token, keys.cookie);
  const bool by_cookie =
      request.cookie && same_key(cookie_value(*request.cookie, keys.cookie_name), keys.cookie);
  if (!by_token && !by_cookie) return refuse(403, "open the address that lab demo has printed");
  const bool writes = method == "POST";
  if (request.origin ? *request.origin != "http://" + *request.host : writes && !by_token)
    return refuse(403, "not from a page of another origin");
  if (writes && !is_json(request.content_type)) return refuse(415, "application/json is expected");
  return admission;
}

}  // namespace lab
