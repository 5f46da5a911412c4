#include <array>

#include "runtime/job/fields.h"

namespace pp {
namespace {

inline constexpr std::string_view kNone = "none";

constexpr std::array kDataFields = {
    field<&DataConfig::batch_size>(
        {.path = "data.batch_size",
         .default_note = "required with `[data]`",
         .unit = "rows",
         .meaning = "Rows per step, over all replicas.",
         .min = 1,
         .max = 1e12}),
    field<&DataConfig::shuffle>(
        {.path = "data.shuffle",
         .meaning = "Shuffle the rows anew each epoch, seeded by `train.seed`. "
                    "Inference reads them in order."}),
    field<&DataConfig::drop_last>(
        {.path = "data.drop_last",
         .meaning = "Leave out the last batch of an epoch if it is not "
                    "full."})};

/// Reads "batch", one length, or a list of lengths.
void read_pad_to(
    const toml::node& node,
    const std::filesystem::path& folder,
    SourceConfig& source) {
  if (node.is_array()) {
    source.pad_to = Codec<std::vector<int64_t>>::read(node, folder);
  } else if (node.is_integer()) {
    source.pad_to = {Codec<int64_t>::read(node, folder)};
  } else {
    source.pad_to.clear();
  }
}

constexpr std::array<std::string_view, 1> kPadToWords = {"batch"};

constexpr std::array kBinTypeWords = [] {
  std::array<std::string_view, kBinTypes.size()> words{};
  for (size_t i = 0; i < kBinTypes.size(); ++i) {
    words[i] = kBinTypes[i].name;
  }
  return words;
}();

void read_dtype(
    const toml::node& node,
    const std::filesystem::path& folder,
    SourceConfig& source) {
  const std::string word = Codec<std::string>::read(node, folder);
  for (const auto& [type, name] : kBinTypes) {
    if (name == word) {
      source.dtype = type;
    }
  }
}

constexpr std::array kSourceFields = {
    field<&SourceConfig::path>(
        {.path = "data.inputs.<name>.path",
         .default_note = "required, or `mask`",
         .meaning = "`.npy`, `.safetensors`, `.pt` (tensors) or `.bin`. `*` "
                    "and `?` in the last part match several files, read in "
                    "order of their names."}),
    field<&SourceConfig::key>(
        {.path = "data.inputs.<name>.key",
         .default_note = "the file's only tensor, or the one called `<name>`",
         .meaning = "The tensor's name in a `.safetensors` or `.pt`."}),
    Field<SourceConfig>{
        .key =
            {.path = "data.inputs.<name>.dtype",
             .default_note = "required for `.bin`",
             .meaning = "Element type of a `.bin`, little endian.",
             .types = kString,
             .choices = kBinTypeWords},
        .read = read_dtype},
    field<&SourceConfig::shape>(
        {.path = "data.inputs.<name>.shape",
         .default_note = "a scalar",
         .unit = "elements",
         .meaning = "Sizes of one row of a `.bin`.",
         .min = 1,
         .max = 1e12}),
    field<&SourceConfig::window>(
        {.path = "data.inputs.<name>.window",
         .default_note = "none",
         .unit = "elements",
         .meaning = "The file is one long sequence, and rows are windows of "
                    "this length.",
         .min = 1,
         .max = 1e12}),
    field<&SourceConfig::shift>(
        {.path = "data.inputs.<name>.shift",
         .unit = "elements",
         .meaning = "Elements skipped before the first window; with "
                    "`lengths`, at the start of each row.",
         .min = 0,
         .max = 1e12}),
    field<&SourceConfig::stride>(
        {.path = "data.inputs.<name>.stride",
         .default_note = "`window`",
         .unit = "elements",
         .meaning = "Distance from the start of one window to the start of "
                    "the next.",
         .min = 1,
         .max = 1e12}),
    field_or<&SourceConfig::split_dim, kNone>(
        {.path = "data.inputs.<name>.split_dim",
         .meaning = "The samples' dimension, along which microbatches are cut; "
                    "`none`: every microbatch gets the whole tensor.",
         .min = 0,
         .max = 64}),
    field<&SourceConfig::lengths>(
        {.path = "data.inputs.<name>.lengths",
         .default_note = "none",
         .meaning = "File with the length of each row, for rows of different "
                    "lengths."}),
    field<&SourceConfig::pad>(
        {.path = "data.inputs.<name>.pad",
         .default_note = "0; -100 for an integer target",
         .meaning = "Value that fills short rows."}),
    Field<SourceConfig>{
        .key =
            {.path = "data.inputs.<name>.pad_to",
             .default_note = "`batch`",
             .unit = "elements",
             .meaning =
                 "Length to which rows are padded: a number; `batch`, the "
                 "length of the batch's longest row; or a list, of "
                 "which the smallest length that fits is used.",
             .min = 1,
             .types = kInteger | kString | kIntegerList,
             .choices = kPadToWords},
        .read = read_pad_to},
    field<&SourceConfig::mask>(
        {.path = "data.inputs.<name>.mask",
         .default_note = "none",
         .meaning = "Instead of a file: the name of an input with `lengths`. "
                    "The mask is 1 for each element of its rows and 0 for "
                    "padding."})};

}  // namespace

std::span<const Field<DataConfig>> data_fields() {
  return kDataFields;
}

std::span<const Field<SourceConfig>> source_fields() {
  return kSourceFields;
}

}  // namespace pp
