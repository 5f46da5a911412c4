#pragma once

#include <string>
#include <string_view>

namespace pp::ep {

/// Turns sympy's constructor form, as the ExportedProgram schema stores sizes,
/// into arithmetic: "Mul(Integer(2), Symbol('s0', positive=True))" -> "2*s0".
/// Unknown functions keep their form ("Max(1, s0)"). Any other text is returned
/// unchanged.
std::string infix_of(std::string_view expression);

}  // namespace pp::ep
