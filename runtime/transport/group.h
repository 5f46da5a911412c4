#pragma once

#include <memory>
#include <vector>

#include "runtime/transport/transport.h"

namespace pp {

/// Some ranks of another transport as a transport of their own: its rank i is
/// `members[i]`. Its messages share the pairs' order with the other's, so two
/// groups in use at once have no pair in common.
///
/// all      must outlive it
/// members  ascending or not, `all`'s own rank among them
std::unique_ptr<Transport> make_group(Transport& all, std::vector<int> members);

}  // namespace pp
