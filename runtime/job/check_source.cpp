#include "loader/core/error.h"
#include "runtime/job/checks.h"
#include "runtime/job/document.h"

namespace pp {
namespace {

class SourceChecker {
 public:
  SourceChecker(
      const toml::table& document,
      const std::string& name,
      const KeyPath& path,
      const SourceConfig& source)
      : document_(document),
        name_(name),
        path_(path),
        source_(source),
        table_(&document) {
    for (const std::string& segment : path) {
      table_ = table_->get(segment)->as_table();
    }
  }

  void check(const std::map<std::string, SourceConfig>& inputs) const {
    if (has("mask")) {
      return check_mask(inputs);
    }
    if (!has("path")) {
      refuse("needs path");
    }
    check_lengths();
    check_file();
    check_window();
    if (is_target() && source_.split_dim != 0) {
      refuse_key(
          "split_dim", "must be 0: a target's rows are along dimension 0");
    }
  }

 private:
  bool has(std::string_view key) const { return table_->contains(key); }
  bool is_target() const { return path_.back() == "target"; }

  [[noreturn]] void refuse(const std::string& message) const {
    throw usage_error(
        place_of(document_, path_, name_) + path_text(path_) + " " + message);
  }
  [[noreturn]] void refuse_key(
      const char* key, const std::string& message) const {
    KeyPath whole = path_;
    whole.emplace_back(key);
    throw usage_error(
        place_of(document_, whole, name_) + path_text(whole) + " " + message);
  }

  void check_mask(const std::map<std::string, SourceConfig>& inputs) const {
    if (table_->size() > 1) {
      refuse_key("mask", "can't be combined with other keys");
    }
    if (is_target()) {
      refuse_key("mask", "is only for inputs");
    }
    const auto of = inputs.find(source_.mask);
    if (of == inputs.end() || of->second.lengths.empty()) {
      refuse_key(
          "mask",
          "names '" + source_.mask + "', which is not an input with lengths");
    }
  }

  void check_lengths() const {
    if (!source_.lengths.empty() &&
        (source_.window || source_.split_dim != 0 || has("shape"))) {
      refuse_key(
          "lengths", "can't be combined with window, split_dim or shape");
    }
    for (const char* key : {"pad", "pad_to"}) {
      if (source_.lengths.empty() && has(key)) {
        refuse_key(key, "needs lengths");
      }
    }
  }

  void check_file() const {
    const std::string extension = source_.path.extension().string();
    const bool is_bin = extension == ".bin";
    if (is_bin && !has("dtype")) {
      refuse("needs dtype: a .bin doesn't state its type");
    }
    for (const char* key : {"dtype", "shape"}) {
      if (!is_bin && has(key)) {
        refuse_key(key, "is only for a .bin; other files state their own");
      }
    }
    if ((is_bin || extension == ".npy") && has("key")) {
      refuse_key("key", "is only for .safetensors and .pt");
    }
  }

  void check_window() const {
    if (source_.window && has("shape")) {
      refuse_key("shape", "can't be combined with window");
    }
    if (!source_.window && source_.lengths.empty() && has("shift")) {
      refuse_key("shift", "needs window or lengths");
    }
    if (!source_.window && has("stride")) {
      refuse_key("stride", "needs window");
    }
    if (source_.window && source_.split_dim != 0) {
      refuse_key(
          "split_dim", "can't be combined with window: each window is one row");
    }
  }

  const toml::table& document_;
  const std::string& name_;
  const KeyPath& path_;
  const SourceConfig& source_;
  const toml::table* table_;
};

}  // namespace

void check_source(
    const toml::table& document,
    const std::string& name,
    const KeyPath& path,
    const SourceConfig& source,
    const std::map<std::string, SourceConfig>& inputs) {
  SourceChecker(document, name, path, source).check(inputs);
}

}  // namespace pp
