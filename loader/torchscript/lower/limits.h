#pragma once

#include <cstddef>
#include <cstdint>

// Limits on the work and memory that loading one file may cost. Without limits,
// a few lines of code can ask for any amount of both. Models in use stay far
// below the limits.
namespace pp::ts {

/// Nesting depth of modules. The walk over modules recurses, so the limit
/// protects the stack.
constexpr int kMaxModuleDepth = 200;

/// Number of attributes of all modules, counted once for each path from the
/// root. If modules share submodules, there may be exponentially many paths.
constexpr size_t kMaxAttributes = 200'000;

/// Nesting depth of function calls. The walk over the code recurses, so the
/// limit protects the stack.
constexpr int kMaxCallDepth = 200;

/// Number of nodes in one block of the graph. A node costs about a kilobyte.
constexpr size_t kMaxNodes = 1'000'000;

/// Number of iterations of one unrolled loop. A loop whose condition stays true
/// would never end.
constexpr size_t kMaxIterations = 1'000'000;

/// Number of steps of a whole lowering (step_counter.h). Nested loops and calls
/// multiply the number of nodes, and lists can be repeated and joined. A step
/// takes about two microseconds, an item of a list about 50 bytes.
constexpr size_t kMaxSteps = 5'000'000;

/// Number of characters of a string. Operators such as ljust() return longer
/// strings than their operands.
constexpr size_t kMaxTextLength = 1'000'000;

/// Number of elements in the operands of an operator that is run only to learn
/// the sizes of its results. Such operands take memory and time.
constexpr int64_t kMaxElements = 1 << 20;

}  // namespace pp::ts
