#pragma once

#include <memory>

#include "runtime/transport/transport_end.h"

namespace pp {

/// Sends messages over TCP with c10d's Gloo. Reaches every rank.
std::unique_ptr<TransportEnd> make_gloo_end(const JobMember& self);

}  // namespace pp
