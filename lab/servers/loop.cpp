#include "lab/servers/loop.hpp"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "lab/servers/call.hpp"

namespace lab {

namespace {

template <class Resume>
class PoolJob final : public JobPool::Job {
 public:
  PoolJob(Loop::Work work, Call& call, std::size_t step, Resume resume)
      : work_(work), call_(call), step_(step), resume_(std::move(resume)) {}

  void run(std::uint16_t unit) override {
    const std::unique_ptr<PoolJob> self(this);
    work_(call_, step_, unit);
    // From here on the loop may finish the request, so nothing of it may be touched.
    boost::asio::post(std::move(resume_));
  }

 private:
  Loop::Work work_;
  Call& call_;
  std::size_t step_;
  Resume resume_;
};

struct Submit {
  JobPool* pool;
  template <class Resume>
  void operator()(Resume&& resume, Loop::Work work, Call* call, std::size_t step) const {
    auto job =
        std::make_unique<PoolJob<std::decay_t<Resume>>>(work, *call, step, std::forward<Resume>(resume));
    pool->submit(*job.release());
  }
};

}  // namespace

Task Loop::in_pool(Work work, Call& call, std::size_t step) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
      Submit{&*pool_}, kAwait, work, &call, step);
}

}  // namespace lab
