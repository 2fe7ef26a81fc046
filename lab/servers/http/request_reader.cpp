#include "lab/servers/http/request_reader.hpp"

namespace lab {

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

RequestReader::State RequestReader::refuse(Refusal refusal) {
  refusal_ = refusal;
  return State::refused;
}

RequestReader::State RequestReader::parse(std::string_view& bytes) {
  if (refusal_.status != 0) return State::refused;
  if (!bytes.empty()) begun_ = true;
  return in_body_ ? parse_body(bytes) : parse_head(bytes);
}

RequestReader::State RequestReader::parse_head(std::string_view& bytes) {
  // Most requests come whole: they are read where they lie, and only an unfinished one is copied.
  const std::size_t before = header_.size();
  std::string_view block = bytes;
  if (before != 0) {
    constexpr std::size_t kMost = kMaxTarget + kMaxFields + 1024;
    header_.append(bytes.substr(0, kMost));
    block = header_;
  }
  switch (gate_.scan(block)) {
    case RequestGate::Progress::refused: return refuse(gate_.refusal());
    case RequestGate::Progress::more:
      if (before == 0) header_.assign(bytes);
      bytes = {};
      return State::more;
    case RequestGate::Progress::whole: break;
  }
  const std::string_view head = block.substr(gate_.begin(), gate_.end() - gate_.begin());
  if (!parse_header(head, request_)) return refuse({400, "bad request header"});
  bytes.remove_prefix(gate_.end() - before);
  if (keep_text_ || request_.upgrade) {
    header_ = std::string(head);
  } else if (before != 0) {
    header_ = std::string();  // an idle connection keeps no buffer
  }
  return begin_body(bytes);
}

RequestReader::State RequestReader::begin_body(std::string_view& bytes) {
  BodyRule rule;
  const bool has_body = gate_.chunked() || gate_.content_length() > 0;
  if (has_body && rules_ != nullptr) rule = rules_->of(request_);
  if (gate_.content_length() > rule.limit) return refuse({413, rule.too_big});
  body_deadline_ = rule.deadline;
  body_reader_ = gate_.chunked() ? BodyReader::with_chunks(rule.limit, rule.too_big)
                                 : BodyReader::with_length(gate_.content_length());
  in_body_ = true;
  const State state = parse_body(bytes);
  if (state == State::more && bytes.empty() && gate_.expects_continue()) return State::proceed;
  return state;
}

RequestReader::State RequestReader::parse_body(std::string_view& bytes) {
  switch (body_reader_.read(bytes)) {
    case BodyReader::Progress::more: return State::more;
    case BodyReader::Progress::refused: return refuse(body_reader_.refusal());
    case BodyReader::Progress::whole: break;
  }
  return State::whole;
}

void RequestReader::next() {
  gate_ = RequestGate();
  header_.clear();
  begun_ = false;
  in_body_ = false;
}

}  // namespace lab
