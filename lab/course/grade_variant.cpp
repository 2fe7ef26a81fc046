#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "lab/core/text.hpp"
#include "lab/course/grade.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

constexpr std::size_t kShortestSecret = 16;  // bytes
constexpr int kCores = 2;                    // everybody's answers hang on the same machine
constexpr int kDraws = 16;
constexpr int kFactors[] = {40,  50,  60,  70,  80,  90,  110, 120, 130,
                            140, 150, 160, 170, 180, 190, 210, 230, 250};
constexpr int kWorkers[] = {2, 3, 5, 6, 7, 8};
constexpr int kThreads[] = {12, 15, 16, 18, 20, 24, 25, 30, 32, 36, 48, 50};

/// Numbers that follow from the secret, the scenario and the student.
class Dice {
 public:
  /// Each attempt throws anew.
  Dice(const std::string& secret, const std::string& scenario, const std::string& student, int attempt) {
    // Lengths before the words: no two pairs of them read alike.
    const std::string text = fmt::format("lab.variant/1 {} {} {} {} {}", attempt, scenario.size(), scenario,
                                         student.size(), student);
    unsigned int size = 0;
    const unsigned char* done =
        HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes_.data(), &size);
    if (done == nullptr || size != bytes_.size())
      throw Failure(environment_error("OpenSSL gives no HMAC-SHA256"));
  }

  /// 0 to `sides` - 1; four throws.
  std::size_t throw_one(std::size_t sides) {
    std::uint64_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | bytes_.at(next_++);
    return number % sides;
  }
  template <std::size_t N>
  int one_of(const int (&values)[N]) {
    return values[throw_one(N)];
  }
  std::string name() const {
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", bytes_[28], bytes_[29], bytes_[30], bytes_[31]);
  }

 private:
  std::array<unsigned char, 32> bytes_{};
  std::size_t next_ = 0;
};

/// Two significant digits: a number that one reckons with.
Nanos rounded(double nanos) {
  const double unit = std::pow(10, std::floor(std::log10(nanos)) - 1);
  return std::llround(std::round(nanos / unit) * unit);
}

/// The requests of every burst and closed load; 0 where they differ: what one case has that another one has
/// not would be gone.
std::int64_t common_requests(const Scenario& scenario) {
  std::int64_t common = 0;
  for (const Case& load_case : scenario.cases) {
    for (const Load& load : load_case.loads) {
      if (load.arrivals != Arrivals::burst && load.arrivals != Arrivals::closed) continue;
      if (common != 0 && load.requests != common) return 0;
      common = load.requests;
    }
  }
  return common;
}

Overrides throw_settings(const Scenario& shipped, const std::string& name, Dice& dice) {
  Overrides settings;
  const double factor = dice.one_of(kFactors) / 100.0;
  for (const auto& [param, value] : shipped.params) {
    if (value > 0) settings.params[param] = rounded(static_cast<double>(value) * factor);
  }
  // Half to nearly twice as many; a scenario about a single request stays one.
  const std::int64_t common = common_requests(shipped);
  const auto chance = static_cast<std::int64_t>(dice.throw_one(1'000));
  if (common > 1) settings.requests = std::max<std::int64_t>(2, common / 2 + common * chance * 3 / 2 / 1'000);
  for (const auto& [member, number] : {std::pair(&Overrides::workers, dice.one_of(kWorkers)),
                                       std::pair(&Overrides::threads, dice.one_of(kThreads))}) {
    Overrides tried = settings;
    tried.*member = number;
    if (load_scenario(name, known_modes(), tried)) settings = tried;
  }
  return settings;
}

bool is_answered_by_a_figure(const Question& question) {
  return question.choices.empty() && question.number.usual.empty() && question.number.right != 0;
}

/// A problem with numbers that were thrown; none where the scenario cannot have them.
std::optional<Problem> thrown(const Scenario& shipped, ProblemSource source, Dice& dice) {
  source.settings = throw_settings(shipped, source.name, dice);
  try {
    return make_problem(source);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

/// The questions whose right answer really hangs on the numbers that are thrown.
std::vector<std::string> that_vary(const Scenario& shipped, const ProblemSource& source) {
  constexpr int kThrows = 4;
  std::map<std::string, std::vector<double>> right;
  for (int i = 0; i < kThrows; ++i) {
    Dice dice("some secret of nobody's", shipped.name, "anybody", i);
    const auto problem = thrown(shipped, source, dice);
    if (!problem) continue;
    for (const Question& question : problem->questions) {
      if (is_answered_by_a_figure(question)) right[question.id].push_back(question.number.right);
    }
  }
  std::vector<std::string> ids;
  for (const auto& [id, values] : right) {
    const auto [least, most] = std::ranges::minmax_element(values);
    if (std::abs(*most - *least) > 0.02 * std::abs(*most)) ids.push_back(id);
  }
  return ids;
}

}  // namespace

Problem make_variant(const ProblemSource& source, const std::string& student, const std::string& secret) {
  refuse_if(student.empty(), "a variant is a student's; give --student ID");
  refuse_if(secret.size() < kShortestSecret,
            "--secret-file: {} bytes are too short for a secret; make one with openssl rand -hex 32",
            secret.size());
  const Scenario shipped = load_scenario(source.name, known_modes()).value();
  const ProblemSource varied{source.name, {}, {kCores, 42}, source.only};
  const std::vector<std::string> vary = that_vary(shipped, varied);
  for (int attempt = 0; attempt < kDraws && !vary.empty(); ++attempt) {
    Dice dice(secret, shipped.name, student, attempt);
    auto problem = thrown(shipped, varied, dice);
    if (!problem) continue;
    // Answers that are the same for everybody are no variant's.
    std::erase_if(problem->questions, [&](const Question& question) {
      return !is_answered_by_a_figure(question) || !contains(vary, question.id);
    });
    if (problem->questions.empty()) continue;
    problem->student = student;
    problem->variant = dice.name();
    return std::move(*problem);
  }
  throw Failure(usage_error(
      "scenario '{}' has no numbers that can be varied; take blocking-async or pool-limit", shipped.name));
}

}  // namespace lab
