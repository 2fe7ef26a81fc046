#include "lab/page/class_vote.hpp"

#include <boost/json.hpp>

#include "lab/core/error.hpp"
#include "results/render/as_json.hpp"

namespace lab {

namespace {

namespace json = boost::json;

/// What `read` makes of a request; what it stumbles over is refused with an example.
template <class Read>
auto read_vote(std::string_view request, std::string_view example, Read read) {
  try {
    return read(json::parse(json::string_view(request.data(), request.size())).as_object());
  } catch (const Failure&) {
    throw;
  } catch (const std::exception&) {
    throw Failure(usage_error("something such as {} is expected", example));
  }
}

std::string text_of_vote(const json::value& value) {
  auto text = json::value_to<std::string>(value);
  refuse_if(text.size() > ClassVote::kMaxText, "a text of at most {} bytes is expected", ClassVote::kMaxText);
  return text;
}

VoteArm arm_of_vote(const json::value& value) {
  VoteArm arm{text_of_vote(value.at("ask")), {}};
  for (const json::value& choice : value.at("choices").as_array())
    arm.choices.push_back(text_of_vote(choice));
  refuse_if(arm.choices.size() < 2 || arm.choices.size() > ClassVote::kMaxChoices,
            "choices: 2 to {} are expected", ClassVote::kMaxChoices);
  return arm;
}

json::array arms_of_ballot(const std::vector<VoteArm>& arms) {
  json::array rows;
  for (const VoteArm& arm : arms)
    rows.push_back({{"ask", json_text(arm.ask)}, {"choices", as_json(arm.choices)}});
  return rows;
}

}  // namespace

void ClassVote::set(std::string_view request) {
  constexpr std::string_view kExample =
      R"({"round": 1, "question": "…", "arms": [{"ask": "…", "choices": ["100 ms", "1 s"]}]})";
  read_vote(request, kExample, [&](const json::object& given) {
    const auto round = given.at("round").to_number<std::size_t>();
    refuse_if(round > kRounds, "round: 0 to {} is expected", kRounds);
    if (round == 1) {
      std::vector<VoteArm> arms;
      for (const json::value& arm : given.at("arms").as_array()) arms.push_back(arm_of_vote(arm));
      refuse_if(arms.empty() || arms.size() > kMaxArms, "arms: 1 to {} are expected", kMaxArms);
      question_ = text_of_vote(given.at("question"));
      arms_ = std::move(arms);
      for (auto& guesses : guesses_) guesses.clear();
    }
    refuse_if(round > round_ + 1, "round: round {} begins when the class has voted before it", round);
    open_ = round > 0;
    if (!open_) return;
    round_ = round;
    ++vote_;
  });
}

bool ClassVote::cast(const std::string& phone, std::string_view request) {
  return read_vote(request, R"({"vote": 3, "guesses": [0, 1]})", [&](const json::object& given) {
    if (given.at("vote").to_number<std::uint64_t>() != vote_ || !open_) return false;
    const json::array& choices = given.at("guesses").as_array();
    refuse_if(choices.size() != arms_.size(), "guesses: one for each of {} arms is expected", arms_.size());
    Guess guess;
    for (const json::value& choice : choices) {
      guess.push_back(choice.to_number<std::size_t>());
      const std::size_t most = arms_[guess.size() - 1].choices.size() - 1;
      refuse_if(guess.back() > most, "guesses: a choice from 0 to {} is expected", most);
    }
    guesses_[round_ - 1].insert_or_assign(phone, std::move(guess));
    return true;
  });
}

std::string ClassVote::ballot(const std::string& phone) const {
  json::value mine;
  if (round_ > 0) {
    const auto own = guesses_[round_ - 1].find(phone);
    if (own != guesses_[round_ - 1].end()) mine = json::array(own->second.begin(), own->second.end());
  }
  return json::serialize(json::object{{"vote", vote_},
                                      {"round", round_},
                                      {"open", open_},
                                      {"question", json_text(question_)},
                                      {"arms", arms_of_ballot(arms_)},
                                      {"mine", std::move(mine)}});
}

std::string ClassVote::counts(std::size_t phones) const {
  json::array votes;
  json::array rounds;
  for (const auto& guesses : guesses_) {
    std::vector<std::vector<int>> counts;
    for (const VoteArm& arm : arms_) counts.emplace_back(arm.choices.size());
    for (const auto& [phone, guess] : guesses) {
      for (std::size_t arm = 0; arm < guess.size(); ++arm) ++counts[arm][guess[arm]];
    }
    votes.push_back(guesses.size());
    rounds.push_back(json::value_from(counts));
  }
  return json::serialize(json::object{{"phones", phones},
                                      {"round", round_},
                                      {"open", open_},
                                      {"arms", arms_of_ballot(arms_)},
                                      {"votes", std::move(votes)},
                                      {"counts", std::move(rounds)}});
}

}  // namespace lab
