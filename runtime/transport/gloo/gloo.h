#pragma once

#include <memory>

#include "runtime/transport/transport_end.h"

namespace pp {

/// Makes this rank's end of the transport over TCP that uses c10d's Gloo. It
/// reaches every rank.
std::unique_ptr<TransportEnd> make_gloo_end(const JobMember& self);

}  // namespace pp
