#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

struct ServedRoute;

/// How much a client wants a page and how much JSON, by its Accept fields (RFC 9110, 12.5.1). Who names
/// neither, such as curl, gets JSON.
class Preference {
 public:
  void take(std::string_view field);
  bool page() const { return page_ > json_; }

 private:
  double page_ = 0, json_ = 0;
};

/// front_page.html, with marks for what differs: `{{mode}}`.
std::string_view front_page_text();

/// What a browser gets at `/`: the routes, a link for each, and a button that sends ten requests at once.
std::string front_page(std::string_view mode, const std::vector<ServedRoute>& routes);

struct PageField {
  std::string_view name, value;
};
/// The fields that go with it. They allow the page's own script and style, and nothing else.
const std::array<PageField, 6>& front_page_fields();

}  // namespace lab
