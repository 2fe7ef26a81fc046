#include "lab/servers/steps/leaf_message.hpp"

#include <algorithm>

#include "lab/servers/steps/wire.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(LeafOrder, (), (step, begun))
BOOST_DESCRIBE_STRUCT(LeafFault, (), (status, reason))
BOOST_DESCRIBE_STRUCT(LeafEnd, (), (fault, cpu, units))

std::string write_order(const Step& leaf, Nanos begun) {
  LeafOrder order{leaf, begun};
  return Wire()(order).take();
}

LeafOrder read_order(const std::string& message) {
  LeafOrder order;
  Wire{message}(order);
  return order;
}

std::string write_end(LeafEnd end) {
  constexpr std::size_t kNumbers = 64;  // room for what stands beside the reason
  end.fault.reason.resize(std::min(end.fault.reason.size(), kMaxMessageBytes - kNumbers));
  return Wire()(end).take();
}

LeafEnd read_end(const std::string& message) {
  LeafEnd end;
  Wire{message}(end);
  return end;
}

}  // namespace lab
