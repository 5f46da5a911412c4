#include "loader/operators/preconditions.h"

#include <algorithm>
#include <iterator>

#include "loader/operators/precondition_checks.h"

namespace pp {

namespace {

struct Row {
  std::string_view name;  ///< without the namespace "aten"
  Precondition check;
};

constexpr Row kRows[] = {
    {"native_batch_norm", batch_norm_fault},
    {"_native_batch_norm_legit", batch_norm_fault},
    {"_native_batch_norm_legit_functional", batch_norm_fault},
    {"_native_batch_norm_legit_no_training", batch_norm_fault},
    {"_batch_norm_with_update", batch_norm_fault},
    {"_batch_norm_with_update_functional", batch_norm_fault},
    {"_batch_norm_no_update", batch_norm_fault},
    {"_weight_norm", weight_norm_fault},
    {"_weight_norm_interface", weight_norm_fault},
    {"ctc_loss", ctc_loss_fault},
    {"_ctc_loss", ctc_loss_fault},
    {"lstm", lstm_fault},
    {"slow_conv3d", kernel_fault},
    {"slow_conv3d_forward", kernel_fault},
    {"slow_conv_transpose2d", kernel_fault},
    {"upsample_nearest1d", upsampling_fault},
    {"upsample_nearest2d", upsampling_fault},
    {"upsample_nearest3d", upsampling_fault},
    {"_upsample_nearest_exact1d", upsampling_fault},
    {"_upsample_nearest_exact2d", upsampling_fault},
    {"_upsample_nearest_exact3d", upsampling_fault},
    {"upsample_linear1d", upsampling_fault},
    {"upsample_bilinear2d", upsampling_fault},
    {"upsample_trilinear3d", upsampling_fault},
    {"upsample_bicubic2d", upsampling_fault},
    {"_upsample_bilinear2d_aa", upsampling_fault},
    {"_upsample_bicubic2d_aa", upsampling_fault},
    {"_upsample_lanczos2d_aa", upsampling_fault},
    {"_scaled_dot_product_flash_attention_for_cpu", flash_attention_fault},
    {"_fft_c2c", fourier_fault},
    {"_fft_c2r", fourier_fault},
    {"_fft_r2c", fourier_fault},
    {"pdist", pairs_fault},
    {"_pdist_forward", pairs_fault},
    {"median", median_fault},
    {"nanmedian", median_fault},
    {"range", range_fault},
    {"chunk", sections_fault},
    {"unsafe_chunk", sections_fault},
    {"tensor_split", sections_fault},
    {"hsplit", sections_fault},
    {"vsplit", sections_fault},
    {"dsplit", sections_fault},
    {"replication_pad1d", padding_fault},
    {"replication_pad2d", padding_fault},
    {"replication_pad3d", padding_fault},
    {"reflection_pad1d", padding_fault},
    {"reflection_pad2d", padding_fault},
    {"reflection_pad3d", padding_fault},
    {"_unsafe_masked_index", masked_index_fault},
    {"_unsafe_masked_index_put_accumulate", masked_index_fault},
    {"tril", triangle_fault},
    {"triu", triangle_fault},
    {"adaptive_avg_pool1d", adaptive_pool_fault},
    {"adaptive_avg_pool2d", adaptive_pool_fault},
    {"adaptive_avg_pool3d", adaptive_pool_fault},
    {"_adaptive_avg_pool2d", adaptive_pool_fault},
    {"_adaptive_avg_pool3d", adaptive_pool_fault},
    {"adaptive_max_pool1d", adaptive_pool_fault},
    {"adaptive_max_pool2d", adaptive_pool_fault},
    {"adaptive_max_pool3d", adaptive_pool_fault},
    {"binomial", binomial_fault},
    {"matrix_power", exponent_fault},
    {"linalg_matrix_power", exponent_fault},
    {"random", lower_bound_fault},
    {"div", division_fault},
    {"divide", division_fault},
    {"lcm", lcm_fault},
    {"floordiv", integer_fault},
    {"remainder", integer_fault},
    {"divmod", integer_fault},
    {"__round_to_zero_floordiv", integer_fault},
    {"gcd", integer_gcd_fault},
};

}  // namespace

Precondition find_precondition(std::string_view name) {
  constexpr std::string_view kNamespace = "aten::";
  if (!name.starts_with(kNamespace)) {
    return nullptr;
  }
  name.remove_prefix(kNamespace.size());
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  if (row == std::end(kRows) && name.ends_with('_')) {
    name.remove_suffix(1);
    row = std::ranges::find(kRows, name, &Row::name);
  }
  return row == std::end(kRows) ? nullptr : row->check;
}

std::string precondition_fault(
    const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments) {
  const Precondition check = find_precondition(schema.name());
  return check == nullptr ? "" : check(schema, arguments);
}

}  // namespace pp
