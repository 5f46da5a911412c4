#pragma once

#include <memory>

#include "runtime/transport/transport_end.h"

namespace pp {

/// Sends messages through memory that ranks of one host share. A sender copies
/// a message once; the receiver's tensors lie where the sender wrote them.
/// throws Error(Runtime): no memory
std::unique_ptr<TransportEnd> make_shared_memory_end(const JobMember& self);

}  // namespace pp
