#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// What the class is asked about one arm, and what can be answered.
struct VoteArm {
  std::string ask;
  std::vector<std::string> choices;
};

/// The class votes, discusses, and votes again on the same question; of each phone the last guess of a round
/// counts. Of phones nothing is known but random keys, and those are kept in memory alone.
class ClassVote {
 public:
  static constexpr std::size_t kRounds = 2;
  static constexpr std::size_t kMaxArms = 4, kMaxChoices = 12, kMaxText = 2'000;

  /// What the teacher's page sends. Opens the first round on a question, which forgets every guess before it:
  /// `{"round": 1, "question": "…", "arms": [{"ask": "…", "choices": ["100 ms", "1 s"]}]}`; the second on the
  /// same: `{"round": 2}`; closes the one that is open: `{"round": 0}`. Throws Failure (exit 2).
  void set(std::string_view request);

  /// A phone's guess, a choice for each arm: `{"vote": 3, "guesses": [0, 1]}`. False: that vote is not open.
  /// Throws Failure (exit 2).
  bool cast(const std::string& phone, std::string_view request);

  /// What a phone shows, as JSON: the question, and its own guess.
  std::string ballot(const std::string& phone) const;
  /// What the teacher's page shows: how many voted, and on what, by round, arm and choice.
  std::string counts(std::size_t phones) const;

 private:
  using Guess = std::vector<std::size_t>;  // a choice for each arm

  std::uint64_t vote_ = 0;  // how many rounds were opened so far
  std::size_t round_ = 0;   // the last one that was opened; 0: none
  bool open_ = false;
  std::string question_;
  std::vector<VoteArm> arms_;
  std::array<std::map<std::string, Guess, std::less<>>, kRounds> guesses_;  // by phone
};

}  // namespace lab
