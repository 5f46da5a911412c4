#pragma once

#include <cstddef>
#include <cstdint>

// Limits on the work and memory that one file may cost while it is loaded. A
// few lines of code can ask for any amount of both. Models in use stay far
// below all of them.
namespace pp::ts {

/// Levels of modules in modules. The walk over them recurses, so the limit
/// protects the stack.
constexpr int kMaxModuleDepth = 200;

/// Attributes of all modules, counted once per path. Modules that share
/// submodules may have exponentially many paths.
constexpr size_t kMaxAttributes = 1'000'000;

/// Calls of functions in functions. The walk over the code recurses, so the
/// limit protects the stack.
constexpr int kMaxCallDepth = 200;

/// Nodes of a block of the graph. Each costs about a kilobyte.
constexpr size_t kMaxNodes = 1'000'000;

/// Iterations of one loop that is unrolled. A loop whose condition stays true
/// would never end.
constexpr size_t kMaxIterations = 1'000'000;

/// Steps of a whole lowering (step_counter.h). Loops and calls that nest
/// multiply their nodes, and lists can be repeated and joined. A step takes
/// about two microseconds and an item of a list about 50 bytes.
constexpr size_t kMaxSteps = 5'000'000;

/// Characters of a text. Operators such as ljust() make longer texts than those
/// that they get.
constexpr size_t kMaxTextLength = 1'000'000;

/// Elements of tensors on which an operator is run to learn the sizes of its
/// results. They are allocated and computed.
constexpr int64_t kMaxElements = 1 << 20;

}  // namespace pp::ts
