#include "loader/allowed/families.h"

namespace pp {

namespace {

// Operators of the namespace "aten"; `*` stands for any characters.
constexpr OperatorFamily kRefusedFamilies[] = {
    {"it reads or writes files, or prints", "from_file save _print warn"},
    {"it changes which memory a tensor uses",
     "data lift set set_ set_data shallow_copy_data_ resize* "
     "_resize_output* _set_item _reshape_alias* _lazy_clone _fw_primal* "
     "_has_same_storage_numel"},
    {"it reads or changes the state of the process",
     "Delete Generator get_autocast_dtype "
     "_get_cpu_capability _get_tracing_state "
     "initial_seed manual_seed "
     "_nnpack_available is_vulkan_available seed set_grad_enabled _cufft_* "
     "_use_*"},
    {"it belongs to autograd, which a saved graph does not use",
     "backward _backward data get_gradients grad is_inference is_leaf "
     "_make_dual* output_nr requires_grad_ retain_grad retains_grad "
     "_unpack_dual _version _efficientzerotensor _is_zerotensor "
     "_new_zeros_with_same_feature_meta _make_dep_token"},
    {"it is a backward kernel, which does not check the indices and sizes "
     "saved by its forward",
     "*_backward *_backward_* *backward_data *_grad *_jvp"},
    {"it belongs to vmap", "_add_batch_dim _remove_batch_dim"},
    {"it communicates with other processes or devices",
     "confirmed_by_owner is_owner local_value owner owner_name to_here "
     "wait record_stream pin_memory _pin_memory is_pinned "
     "_propagate_xla_data cpu cuda _to_cpu _copy_from*"},
    {"it is for tests and debugging",
     "_test_* _foobar _debug_has_internal_overlap is_set_to "
     "_has_compatible_shallow_copy_type"},
    {"its kernels do not check the indices of sparse tensors",
     "*sparse* *coalesce* _indices _indices_copy crow_indices* ccol_indices* "
     "col_indices* row_indices* indices indices_copy "
     "_values _values_copy values_copy _dimI _dimV _nnz dense_dim _spdiags "
     "_spsolve smm sspaddmm hspmm _convert_indices_* _cslt_* _to_dense"},
    {"it is specific to one device or library",
     "cudnn_* _cudnn_* miopen_* *_mps *mps_* mkldnn_* _mkldnn_* to_mkldnn "
     "fbgemm_* _nnpack_spatial_convolution _flash_attention_* "
     "_efficient_attention_* _triton_* _thnn_* *conv_depthwise* "
     "_dyn_quant_* _wrapped_* _mixed_dtypes_linear _convert_weight_* "
     "_weight_int* _fill_mem_eff_dropout_mask_ "
     "_grid_sampler_2d_cpu_fallback *overrideable _fused_sdp_choice "
     "_scaled_addmm _scaled_mm* _scaled_grouped_mm* batch_norm_elemt "
     "batch_norm_gather_* batch_norm_stats batch_norm_update_stats "
     "_fused_dropout"},
    {"it updates lists of tensors in place, as optimizers do",
     "_amp_* _chunk_cat _foreach_* _fused_adagrad _fused_adam _fused_adamw "
     "_fused_sgd flatten_dense_tensors unflatten_dense_tensors"},
    {"its kernels do not check the sizes in nested tensors",
     "*nested* *jagged* to_padded_tensor _transform_bias_rescale_qkv "
     "_native_multi_head_attention _transformer_encoder_layer_fwd "
     "_pack_sequence"},
    {"its kernels do not check packed or quantised weights",
     "quantized_* _empty_*_quantized empty_quantized _make_per_* q_* "
     "qscheme int_repr *choose_qparams_* *fused_moving_avg_* "
     "_fake_quantize_learnable_* _saturate_weight_to_fp16 _rowwise_prune "
     "quantize_per_tensor_dynamic"},
    {"it does not check its indices",
     "_sobol_engine_* lu_solve linalg_lu_solve linalg_ldl_solve "
     "_index_put_impl segment_reduce _pad_packed_sequence _cummax_helper "
     "_cummin_helper _histogramdd_* _compute_linear_combination _philox_*"},
    {"it is an internal part of another operator",
     "_cholesky_solve_helper _linalg_check_errors _linalg_solve_ex "
     "_logcumsumexp _lu_with_info _ncf_* _neg_view _stack _tensor_to_list "
     "_list_to_tensor"},
};

}  // namespace

std::span<const OperatorFamily> refused_families() {
  return kRefusedFamilies;
}

}  // namespace pp
