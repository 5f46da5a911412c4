#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

std::string UniqueNames::make(std::string_view stem) {
  std::string base(stem);
  while (base.starts_with('_') && base.size() > 1) {
    base.erase(0, 1);
  }
  int& number = next_number_[base];
  std::string name = number == 0 ? base : base + "_" + std::to_string(number);
  ++number;
  while (!names_.insert(name).second) {
    name = base + "_" + std::to_string(number++);
  }
  return name;
}

}  // namespace pp::ts
