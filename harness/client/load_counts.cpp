#include "harness/client/load_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace lab {

std::string_view to_string(LoadError error) {
  constexpr std::array<std::string_view, kLoadErrors> kNames{
      "refused",     "unreachable", "reset",          "closed",   "timeout", "bad_reply",
      "certificate", "tls",         "no_descriptors", "no_ports", "extra",   "long_header"};
  return kNames[static_cast<std::size_t>(error)];
}

LoadError error_of_open(int error_number) {
  switch (error_number) {
    case ECONNREFUSED: return LoadError::refused;
    case ECONNRESET:
    case EPIPE: return LoadError::reset;
    case ETIMEDOUT: return LoadError::timeout;
    case EKEYREJECTED: return LoadError::certificate;
    case EPROTO: return LoadError::tls;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return LoadError::no_descriptors;
    case EADDRNOTAVAIL:
    case EADDRINUSE: return LoadError::no_ports;
    default: return LoadError::unreachable;
  }
}

LoadError error_of_broken(std::int64_t result) {
  switch (-result) {
    case ECONNREFUSED: return LoadError::refused;
    case EPROTO: return LoadError::tls;
    case ETIMEDOUT: return LoadError::timeout;
    case ECONNABORTED: return LoadError::closed;
    default: return LoadError::reset;
  }
}

Outcome outcome_of(LoadError error) {
  switch (error) {
    case LoadError::refused:
    case LoadError::unreachable: return Outcome::refused;
    case LoadError::reset:
    case LoadError::certificate:
    case LoadError::tls: return Outcome::reset;
    case LoadError::closed: return Outcome::closed;
    case LoadError::timeout: return Outcome::timeout;
    case LoadError::bad_reply:
    case LoadError::long_header: return Outcome::bad_reply;
    case LoadError::no_descriptors:
    case LoadError::no_ports: return Outcome::harness_fault;
    case LoadError::extra: return Outcome::extra;
  }
  return Outcome::reset;
}

void LoadCounts::add(const LoadCounts& other) {
  if (other.sent > 0) {
    first_sent = sent > 0 ? std::min(first_sent, other.first_sent) : other.first_sent;
    last_sent = sent > 0 ? std::max(last_sent, other.last_sent) : other.last_sent;
  }
  last_end = std::max(last_end, other.last_end);
  const auto sum = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  };
  sum(errors, other.errors);
  sum(not_sent, other.not_sent);
  sum(unexpected, other.unexpected);
  sum(statuses, other.statuses);
  for (auto part : {&LoadCounts::planned, &LoadCounts::unsent, &LoadCounts::sent, &LoadCounts::ok,
                    &LoadCounts::unfinished, &LoadCounts::bytes_sent, &LoadCounts::bytes_received,
                    &LoadCounts::connections, &LoadCounts::connecting, &LoadCounts::closed_by_server,
                    &LoadCounts::closed_before, &LoadCounts::closed_in, &LoadCounts::closed_after,
                    &LoadCounts::waited, &LoadCounts::warm_up, &LoadCounts::gave_up}) {
    this->*part += other.*part;
  }
}

RequestCounts LoadCounts::books() const {
  RequestCounts books;
  books.planned = planned;
  books.unsent = unsent;
  books.sent = sent;
  books.ok = ok;
  books.unfinished = unfinished;
  for (std::size_t kind = 0; kind < errors.size(); ++kind) {
    const std::string name(to_string(static_cast<LoadError>(kind)));
    if (errors[kind] > 0) books.errors[name] = errors[kind];
    if (not_sent[kind] > 0) books.not_sent[name] = not_sent[kind];
  }
  for (std::size_t status = 0; status < unexpected.size(); ++status) {
    if (unexpected[status] > 0) books.errors[fmt::format("status_{}", status)] = unexpected[status];
  }
  return books;
}

}  // namespace lab
