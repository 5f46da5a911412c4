#pragma once

#include <memory>
#include <vector>

#include "runtime/transport/transport.h"

namespace pp {

/// A transport among some ranks of another transport; its rank i is
/// `members[i]`. Between two ranks its messages and those of `all` are one
/// ordered stream, so groups that are in use at the same time must not share a
/// pair of ranks.
///
/// all      must outlive the group
/// members  in any order; must contain the rank of `all`
std::unique_ptr<Transport> make_group(Transport& all, std::vector<int> members);

}  // namespace pp
