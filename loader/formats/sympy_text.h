#pragma once

#include <string>
#include <string_view>

namespace pp::ep {

/// Turns sympy's constructor form, as the ExportedProgram schema stores sizes,
/// into arithmetic: "Mul(Integer(2), Symbol('s0', positive=True))" -> "2*s0".
/// Functions it does not know keep their form, "Max(1, s0)"; what is not in
/// constructor form is returned as it is.
std::string infix_of(std::string_view expression);

}  // namespace pp::ep
