#include "lab/servers/http/front_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/http/route_table.hpp"

namespace lab {

namespace {

// Of the page's script and style; front_page_test.cpp computes them.
constexpr std::string_view kPolicy =
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    "script-src 'sha256-S535TsEOqzxTFYRl+ckY3m0GGG1eUQrs452NIvnCl4E='; style-src "
    "'sha256-nOX9aopZjr0m2JMIfuYBtmQlLflxqwL+7TXzt6BVm/c='";

/// Text of a scenario's file shows as text.
std::string as_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("&<>\"'").find(c) == std::string_view::npos) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "&#{};", static_cast<int>(c));
    }
  }
  return out;
}

std::string words_of(const ServedRoute& served) {
  switch (served.argument) {
    case ServedRoute::Argument::wait_ms: return "waits as long as ?ms= says, as this mode waits";
    case ServedRoute::Argument::cpu_ms: return "computes as long as ?ms= says";
    case ServedRoute::Argument::none: break;
  }
  return served.message;
}

std::string row_of(const ServedRoute& served) {
  const Route& route = served.route;
  const bool has_argument = served.argument != ServedRoute::Argument::none;
  const std::string path = as_text(route.path + (has_argument ? "?ms=100" : ""));
  const std::string name = as_text(route.method) + " " + path;
  const bool whole = route.path.find('{') == std::string::npos && route.method != "WS";
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
                     whole && route.method == "GET" ? fmt::format("<a href=\"{}\">{}</a>", path, name) : name,
                     as_text(words_of(served)),
                     whole ? fmt::format("<button type=\"button\" data-method=\"{0}\" data-path=\"{1}\" "
                                         "aria-label=\"Send ten: {2}\">Send "
                                         "ten</button>",
                                         as_text(route.method), path, name)
                           : "");
}

double weight_of(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  const std::string_view number = parameters.substr(at + 2);
  return number_in<double>(number.substr(0, number.find_first_of("; \t"))).value_or(0);
}

}  // namespace

void Preference::take(std::string_view field) {
  while (!field.empty()) {
    const std::string_view range = field.substr(0, field.find(','));
    field.remove_prefix(std::min(field.size(), range.size() + 1));
    const std::size_t first = std::min(range.find_first_not_of(" \t"), range.size());
    const std::size_t end = std::min(range.find_first_of("; \t", first), range.size());
    const std::string_view type = range.substr(first, end - first);
    if (equals_ignoring_case(type, "text/html")) page_ = std::max(page_, weight_of(range.substr(end)));
    if (equals_ignoring_case(type, "application/json")) json_ = std::max(json_, weight_of(range.substr(end)));
  }
}

std::string front_page(std::string_view mode, const std::vector<ServedRoute>& routes) {
  std::string rows;
  for (const ServedRoute& served : routes) rows += row_of(served);
  std::string page(front_page_text());
  replace_all(page, "{{mode}}", as_text(mode));
  replace_all(page, "{{load}}", as_text(as_called("lab load ")));
  replace_all(page, "{{routes}}", rows);
  return page;
}

const std::array<PageField, 6>& front_page_fields() {
  static constexpr std::array<PageField, 6> kFields{{{"Content-Type", "text/html; charset=utf-8"},
                                                     {"Content-Security-Policy", kPolicy},
                                                     {"Vary", "Accept"},
                                                     {"Cache-Control", "no-store"},
                                                     {"Referrer-Policy", "no-referrer"},
                                                     {"X-Content-Type-Options", "nosniff"}}};
  return kFields;
}

}  // namespace lab
