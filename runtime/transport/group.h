#pragma once

#include <memory>
#include <vector>

#include "runtime/transport/transport.h"

namespace pp {

/// Makes a transport among some ranks of the transport `all`. Rank i of the
/// group is rank `members[i]` of `all`. Between two ranks, the messages of the
/// group and those of `all` are one ordered stream, so groups that are in use
/// at the same time must not have two ranks in common.
///
/// all      must outlive the group
/// members  ranks of `all` in any order, including this one
std::unique_ptr<Transport> make_group(Transport& all, std::vector<int> members);

}  // namespace pp
