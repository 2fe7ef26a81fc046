#include "lab/servers/http/front_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/http/route_table.hpp"

namespace lab {

namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #15181c; --paper: #fff; --soft: #4d5661; --rule: #cfd5dd; --served: #0a58a8; --kept: #e4e7eb; }
@media (prefers-color-scheme: dark) { :root { --ink: #eef1f4; --paper: #121519; --soft: #b3bcc7; --rule: #3b434e; --served: #8cc2fa; --kept: #2a3038; } }
body { font: 18px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
a { color: var(--served); } code { font-size: 1em; } .soft { color: var(--soft); }
table { border-collapse: collapse; } th, td { text-align: left; font-weight: 400; padding: .35rem 1.4rem .35rem 0; border-bottom: 1px solid var(--rule); }
button { font: inherit; padding: .2rem .8rem; }
ol { list-style: none; padding: 0; } li { display: grid; grid-template-columns: 2rem 1fr 15rem; gap: .8rem; align-items: center; }
.bar { display: flex; height: 1.3rem; } .kept { background: repeating-linear-gradient(135deg, var(--kept) 0 5px, var(--soft) 5px 6px); } .served { background: var(--served); }
)css";

// The browser says itself when it has sent each: fetch() alone would count its own queue as the server's.
constexpr std::string_view kScript = R"js(
"use strict";
const kTen = 10, place = document.getElementById("ten"), said = document.getElementById("said"), list = document.getElementById("bars");
const time = (ms) => (ms >= 999.5 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 99.95 ? 1 : 0)} ms`);
const add = (parent, tag, kind = "", text = "") => {
  const made = parent.appendChild(document.createElement(tag));
  made.className = kind;
  made.textContent = text;
  return made;
};
let round = 0;

async function ask(method, path, number, began) {
  const url = new URL(path, location.href);
  url.hash = "";
  url.search += `${url.search ? "&" : "?"}ten=${round}-${number}`;
  let words = "";
  try {
    const reply = await fetch(url, { method, cache: "no-store" });
    await reply.text();
    if (!reply.ok) words = ` (${reply.status})`;
  } catch {
    words = " (no reply)";
  }
  const end = performance.now() - began;
  return { number, url: url.href, end, words };
}

function measured(one, began) {
  const entry = performance.getEntriesByName(one.url)[0];
  if (!entry || entry.requestStart === 0) return { ...one, sent: 0 };
  return { ...one, sent: entry.requestStart - began, end: entry.responseEnd - began };
}

async function sendTen({ method, path }) {
  ++round;
  performance.clearResourceTimings();
  place.hidden = false;
  said.textContent = `${method} ${path}: ten are on their way.`;
  list.textContent = "";
  const began = performance.now();
  const asked = await Promise.all(Array.from({ length: kTen }, (_, i) => ask(method, path, i + 1, began)));
  await new Promise((next) => setTimeout(next, 50)); // what the browser measured is written down a little later
  const all = asked.map((one) => measured(one, began)), whole = Math.max(...all.map((one) => one.end));
  const most = Math.max(...all.map(({ sent }) => all.filter((other) => other.sent <= sent && other.end > sent).length));
  for (const one of all) {
    const row = add(list, "li"), name = add(row, "span", "", one.number), bar = add(row, "span", "bar");
    name.className = "soft";
    add(bar, "span", "kept").style.width = `${(100 * one.sent) / whole}%`;
    add(bar, "span", "served").style.width = `${(100 * (one.end - one.sent)) / whole}%`;
    add(row, "span", "", `${time(one.end - one.sent)}${one.sent > 2 ? `, sent after ${time(one.sent)}` : ""}${one.words}`);
  }
  said.textContent = `${method} ${path}: the last of ten was answered after ${time(whole)}; this browser had at most ${most} of them in flight.`;
}

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    const buttons = document.querySelectorAll("button");
    for (const one of buttons) one.disabled = true;
    await sendTen(button.dataset);
    for (const one of buttons) one.disabled = false;
    button.focus();
  });
}
for (const origin of document.querySelectorAll(".origin")) origin.textContent = location.origin;
)js";

// Of the two above; front_page_test.cpp computes them.
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
  const std::string load = as_called("lab load ");
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0} · Concurrency "
      "Lab</title>\n"
      "<link rel=\"icon\" href=\"data:,\">\n<style>{1}</style>\n</head>\n<body>\n<main>\n<h1>A server that "
      "runs {0}</h1>\n"
      "<table>\n<thead><tr><th scope=\"col\">route</th><th scope=\"col\">what it "
      "does</th><td></td></tr></thead>\n"
      "<tbody>\n{2}</tbody>\n</table>\n"
      "<section id=\"ten\" hidden>\n<h2>Ten at once</h2>\n<p id=\"said\" role=\"status\"></p>\n<ol "
      "id=\"bars\"></ol>\n</section>\n"
      "<p>Over HTTP/1.1 a browser has at most six requests to one server in flight. It keeps the other four "
      "back until one is answered: "
      "the hatched part of a bar. All ten at once: <code>{3}<span class=\"origin\"></span>/ -n 10 -c 10 "
      "--arrivals burst</code>, "
      "with a route's path.</p>\n<p class=\"soft\">Who asks without <code>Accept: text/html</code>, such as "
      "curl, gets JSON here.</p>\n"
      "<noscript><p>Without scripts the links work, the buttons do "
      "not.</p></noscript>\n</main>\n<script>{4}</script>\n</body>\n</html>\n",
      as_text(mode), kStyle, rows, as_text(load), kScript);
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
