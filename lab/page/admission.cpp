#include "lab/page/admission.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "lab/core/error.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

struct PageRouteRow {
  std::string_view path, method;
  PageRoute route;
  std::optional<PageRole> whose{};  // nothing: everybody's
};

/// Every other path is a file's.
constexpr auto kPageRoutes =
    std::to_array<PageRouteRow>({{"/", "GET", PageRoute::index},
                                 {"/api/call", "POST", PageRoute::call, PageRole::teacher},
                                 {"/api/run", "POST", PageRoute::run, PageRole::teacher},
                                 {"/api/stop", "POST", PageRoute::stop, PageRole::teacher},
                                 {"/api/events", "GET", PageRoute::events, PageRole::teacher},
                                 {"/api/recorded", "GET", PageRoute::recorded, PageRole::teacher},
                                 {"/api/vote", "POST", PageRoute::vote, PageRole::teacher},
                                 {"/api/votes", "GET", PageRoute::votes, PageRole::teacher},
                                 {"/api/ballot", "GET", PageRoute::ballot, PageRole::student},
                                 {"/api/guess", "POST", PageRoute::guess, PageRole::student}});

/// Whether a phone needs that file: the model, which knows the answers, is none of them.
bool is_for_phones(std::string_view path) {
  return path == "/boot.js" || path == "/page.js" || path == "/page.css" || path.ends_with(".woff2");
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

std::string random_key() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Failure(environment_error("the kernel gives no random bytes for the page's key"));
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string host_and_port(std::string_view host, int port) {
  return port == 80 ? std::string(host) : fmt::format("{}:{}", host, port);
}

PageKeys PageKeys::for_teacher(int port) {
  PageKeys keys{random_key(), random_key(), fmt::format("lab-page-{}", port), {}};
  for (const char* name : {"127.0.0.1", "localhost"}) keys.hosts.push_back(host_and_port(name, port));
  return keys;
}

PageKeys PageKeys::for_students(const std::string& address, int port) {
  return {{}, {}, fmt::format("lab-class-{}", port), {host_and_port(address, port)}, PageRole::student};
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
  const bool student = keys.role == PageRole::student;
  const bool foreign = known && !student && row->whose == PageRole::student;
  if (foreign || (!known && (path.starts_with("/api/") || (student && !is_for_phones(path)))))
    return {.status = 404, .why = "there is no such address"};
  const std::string_view method = known ? row->method : "GET";
  Admission admission{.route = known ? row->route : PageRoute::file};
  const auto refuse = [&](int status, std::string_view why) {
    return Admission{.status = status, .route = admission.route, .why = why, .allow = method};
  };
  if (request.method != method) return refuse(405, "not with this method");
  const std::string_view first = query_value(target, "token");
  if (!student && admission.route == PageRoute::index && !first.empty()) {
    if (!same_key(first, keys.first))
      return refuse(403, "this address was used before; start lab demo once more for a new one");
    admission.first_visit = true;
    return admission;
  }
  const std::string_view cookie =
      request.cookie ? cookie_value(*request.cookie, keys.cookie_name) : std::string_view{};
  const bool by_token = request.token && same_key(*request.token, keys.cookie);
  if (student) {
    if (known && row->whose == PageRole::teacher)
      return refuse(403, "students read the question and vote; the teacher does the rest");
    if (const auto phone = keys.phones.find(cookie); phone != keys.phones.end()) {
      admission.phone = *phone;
    } else if (admission.route != PageRoute::index) {
      return refuse(403, "open the address that the projector shows");
    } else if (keys.phones.size() >= PageKeys::kMaxPhones) {
      return refuse(503, "too many phones have come; raise your hand");
    } else {
      admission.first_visit = true;
    }
  } else if (!by_token && !same_key(cookie, keys.cookie)) {
    return refuse(403, "open the address that lab demo has printed");
  }
  const bool writes = method == "POST";
  if (request.origin ? *request.origin != "http://" + *request.host : writes && !by_token)
    return refuse(403, "not from a page of another origin");
  if (writes && !is_json(request.content_type)) return refuse(415, "application/json is expected");
  return admission;
}

std::vector<NetworkAddress> network_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) throw Failure(system_error("getifaddrs", "of this machine", errno));
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(first, freeifaddrs);
  std::vector<NetworkAddress> addresses;
  for (const ifaddrs* each = all.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, text.data(),
              text.size());
    addresses.push_back({each->ifa_name, text.data(), each->ifa_flags});
  }
  return addresses;
}

std::optional<NetworkAddress> class_address(const std::vector<NetworkAddress>& addresses) {
  const auto fits = [](const NetworkAddress& one) {
    const bool up = (one.flags & IFF_UP) != 0 && (one.flags & IFF_RUNNING) != 0;
    return up && (one.flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) == 0 && !one.address.starts_with("169.254.");
  };
  const auto found = std::ranges::find_if(addresses, fits);
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

}  // namespace lab
