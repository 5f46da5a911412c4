#pragma once

#include <string>
#include <string_view>

namespace pp::ep {

/// Converts sympy's constructor form, in which the ExportedProgram schema
/// stores sizes, to arithmetic: "Mul(Integer(2), Symbol('s0', positive=True))"
/// -> "2*s0". Unknown functions keep their form ("Max(1, s0)"). A string that
/// is not in constructor form is returned unchanged.
std::string infix_of(std::string_view expression);

}  // namespace pp::ep
