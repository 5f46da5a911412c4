#pragma once

// A declaration in place of Gloo's own header: see gloo/context.h.

namespace gloo::transport {
class Device;
}  // namespace gloo::transport
