#include "runtime/plan/placed.h"

#include <string>

namespace pp {

std::string with_place(
    const WrittenJob& written,
    const std::string& message,
    std::initializer_list<std::string_view> keys) {
  const std::string first = message.substr(0, message.find_first_of(": "));
  const bool is_key = first.find('.') != std::string::npos;
  const auto own = is_key ? written.places.find(first) : written.places.end();
  return (own != written.places.end() ? own->second : written.place_of(keys)) +
         message;
}

std::string with_split_place(const Job& job, const std::string& message) {
  // The name at fault comes before any that the message offers instead.
  size_t first = std::string::npos;
  std::string key = "split.at";
  for (size_t i = 0; i < job.split.at.size(); ++i) {
    const SplitPoint& point = job.split.at[i];
    for (const std::string& name : {to_string(point), point.fqn}) {
      if (const size_t at = message.find("'" + name + "'"); at < first) {
        first = at;
        key = "split.at." + std::to_string(i);
      }
    }
  }
  return with_place(
      job.written, message, {key, "split.at", "split.stages", "split.markers"});
}

}  // namespace pp
