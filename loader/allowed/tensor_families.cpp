#include "loader/allowed/families.h"

namespace pp {

namespace {

// Operators of the namespace "aten". In-place operators are listed without
// their trailing underscore.
constexpr OperatorFamily kTensorFamilies[] = {
    {"assertions",
     "_assert_async _assert_scalar _assert_tensor_metadata "
     "_functional_assert_async _functional_assert_scalar "
     "_functional_sym_constrain_range "
     "_functional_sym_constrain_range_for_size _size_if_not_equal "
     "sym_constrain_range sym_constrain_range_for_size"},
    {"properties of tensors",
     "_cast_Byte _cast_Char _cast_Double _cast_Float _cast_Half _cast_Int "
     "_cast_Long _cast_Short _dim_arange _is_all_true _is_any_true "
     "_local_scalar_dense _reshape_from_tensor _shape_as_tensor allclose "
     "device dim element_size get_device is_complex is_conj is_contiguous "
     "is_distributed is_floating_point is_neg is_non_overlapping_and_dense "
     "is_nonzero is_same_size is_signed is_strides_like_format item numel "
     "size storage_offset stride sym_is_contiguous sym_numel sym_size "
     "sym_storage_offset sym_stride"},
    {"new tensors",
     "_no_grad_fill_ _no_grad_zero_ arange as_tensor bartlett_window "
     "blackman_window complex empty empty_like empty_permuted "
     "empty_strided eye fill full full_like hamming_window hann_window "
     "kaiser_window linalg_vander linspace logspace new_empty "
     "new_empty_strided new_full new_ones new_zeros one_hot ones ones_like "
     "polar range scalar_tensor tensor tril tril_indices triu triu_indices "
     "vander zero zeros zeros_like"},
    {"random numbers",
     "_no_grad_normal_ _no_grad_uniform_ _sample_dirichlet _standard_gamma "
     "alpha_dropout bernoulli binomial cauchy dropout exponential "
     "feature_alpha_dropout feature_dropout geometric log_normal "
     "multinomial native_dropout normal normal_functional poisson rand "
     "rand_like randint randint_like randn randn_like random randperm "
     "rrelu rrelu_with_noise rrelu_with_noise_functional uniform"},
    {"types and layouts",
     "_autocast_to_full_precision _autocast_to_reduced_precision _conj "
     "_conj_copy _conj_physical "
     "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams "
     "_neg_view_copy _to_copy alias alias_copy chalf clone conj "
     "conj_physical contiguous dequantize detach detach_copy "
     "fake_quantize_per_channel_affine "
     "fake_quantize_per_channel_affine_cachemask "
     "fake_quantize_per_tensor_affine "
     "fake_quantize_per_tensor_affine_cachemask imag lift_fresh "
     "lift_fresh_copy quantize_per_channel quantize_per_tensor real "
     "resolve_conj resolve_neg to to_dense type_as view_as_complex "
     "view_as_complex_copy view_as_real view_as_real_copy"},
    {"views and shapes",
     "_pack_padded_sequence _pad_circular _reshape_copy "
     "_unsafe_view adjoint as_strided as_strided_copy as_strided_scatter "
     "atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors "
     "broadcast_to cartesian_prod cat channel_shuffle chunk col2im "
     "column_stack combinations concat concatenate constant_pad_nd diag "
     "diag_embed diagflat diagonal diagonal_copy diagonal_scatter dsplit "
     "dstack expand expand_as expand_copy fill_diagonal_ flatten flip "
     "fliplr flipud hsplit hstack im2col linalg_diagonal mH mT matrix_H "
     "meshgrid moveaxis movedim narrow narrow_copy native_channel_shuffle "
     "numpy_T pad pad_sequence permute permute_copy pixel_shuffle "
     "pixel_unshuffle ravel reflection_pad1d reflection_pad2d "
     "reflection_pad3d repeat repeat_interleave replication_pad1d "
     "replication_pad2d replication_pad3d reshape reshape_as roll rot90 "
     "row_stack select select_copy select_scatter slice slice_copy "
     "slice_inverse slice_scatter split split_copy split_with_sizes "
     "split_with_sizes_copy squeeze squeeze_copy stack swapaxes swapdims t "
     "t_copy tensor_split tile transpose transpose_copy unbind unbind_copy "
     "unflatten unfold unfold_copy unsafe_chunk unsafe_split "
     "unsafe_split_with_sizes unsqueeze unsqueeze_copy view view_as "
     "view_copy vsplit vstack"},
    {"indexing, sorting, searching",
     "_embedding_bag _embedding_bag_forward_only _masked_scale "
     "_no_grad_embedding_renorm_ _unique _unique2 _unsafe_index "
     "_unsafe_index_put _unsafe_masked_index "
     "_unsafe_masked_index_put_accumulate argsort argwhere bincount "
     "bucketize embedding embedding_bag embedding_renorm gather heaviside "
     "histc histogram histogramdd index index_add index_copy index_fill "
     "index_put index_reduce index_select isin kthvalue masked_fill "
     "masked_scatter masked_select msort nonzero nonzero_numpy "
     "nonzero_static put scatter scatter_add scatter_reduce searchsorted "
     "sort take take_along_dim topk unique_consecutive unique_dim "
     "unique_dim_consecutive where"},
    {"sums, means, extremes",
     "_aminmax _cdist_forward _euclidean_dist _grad_sum_to_size "
     "_pdist_forward all amax amin aminmax any argmax argmin "
     "cdist corrcoef cosine_similarity count_nonzero cov cummax cummin "
     "cumprod cumsum cumulative_trapezoid diff dist frobenius_norm "
     "gradient hash_tensor logcumsumexp logsumexp max mean median min mode "
     "nanmean nanmedian nanquantile nansum native_norm norm "
     "norm_except_dim nuclear_norm pairwise_distance pdist prod quantile "
     "renorm std std_mean sum sum_to_size trace trapezoid trapz var "
     "var_mean"},
    {"linear algebra",
     "_addmm_activation _grouped_mm _int_mm _linalg_det _linalg_eigh "
     "_linalg_eigvals _linalg_slogdet _linalg_svd _trilinear addbmm addmm "
     "addmv addr baddbmm bilinear bmm chain_matmul cholesky_inverse "
     "cholesky_solve cross det dot einsum geqrf ger inner inverse kron "
     "linalg__powsum linalg_cholesky linalg_cholesky_ex linalg_cond "
     "linalg_cross linalg_det linalg_eig linalg_eigh linalg_eigvals "
     "linalg_eigvalsh linalg_householder_product linalg_inv linalg_inv_ex "
     "linalg_ldl_factor linalg_ldl_factor_ex linalg_lstsq linalg_lu "
     "linalg_lu_factor linalg_lu_factor_ex linalg_matmul linalg_matrix_exp "
     "linalg_matrix_norm linalg_matrix_power linalg_matrix_rank "
     "linalg_matrix_sqrth linalg_multi_dot linalg_norm linalg_pinv "
     "linalg_polar linalg_qr linalg_slogdet linalg_solve linalg_solve_ex "
     "linalg_solve_triangular linalg_svd linalg_svdvals linalg_tensorinv "
     "linalg_tensorsolve linalg_vecdot linalg_vector_norm linear logdet "
     "lu_unpack matmul matrix_exp matrix_power mm mv orgqr ormqr outer "
     "pinverse slogdet svd tensordot triangular_solve vdot"},
    {"Fourier transforms",
     "_fft_c2c _fft_c2r _fft_r2c fft_fft fft_fft2 fft_fftfreq fft_fftn "
     "fft_fftshift fft_hfft fft_hfft2 fft_hfftn fft_ifft fft_ifft2 "
     "fft_ifftn fft_ifftshift fft_ihfft fft_ihfft2 fft_ihfftn fft_irfft "
     "fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftfreq fft_rfftn "
     "istft stft"},
    {"convolutions, pooling, resampling",
     "__interpolate __upsample __upsample_bilinear __upsample_nearest "
     "_adaptive_avg_pool2d _adaptive_avg_pool3d _convolution "
     "_slow_conv2d_forward _upsample_bicubic2d_aa _upsample_bilinear2d_aa "
     "_upsample_lanczos2d_aa _upsample_nearest_exact1d "
     "_upsample_nearest_exact2d _upsample_nearest_exact3d "
     "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
     "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
     "affine_grid_generator avg_pool1d avg_pool2d avg_pool3d conv1d conv2d "
     "conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d "
     "convolution fractional_max_pool2d fractional_max_pool3d grid_sampler "
     "grid_sampler_2d grid_sampler_3d max_pool1d max_pool1d_with_indices "
     "max_pool2d max_pool2d_with_indices max_pool3d "
     "max_pool3d_with_indices max_unpool2d max_unpool3d slow_conv3d "
     "slow_conv3d_forward slow_conv_dilated2d slow_conv_dilated3d "
     "slow_conv_transpose2d slow_conv_transpose3d thnn_conv2d "
     "upsample_bicubic2d upsample_bilinear2d upsample_linear1d "
     "upsample_nearest1d upsample_nearest2d upsample_nearest3d "
     "upsample_trilinear3d"},
    {"normalisation",
     "_batch_norm_impl_index _batch_norm_no_update _batch_norm_with_update "
     "_batch_norm_with_update_functional _fused_rms_norm "
     "_native_batch_norm_legit _native_batch_norm_legit_functional "
     "_native_batch_norm_legit_no_training _weight_norm "
     "_weight_norm_interface batch_norm group_norm instance_norm "
     "layer_norm native_batch_norm native_group_norm native_layer_norm "
     "rms_norm"},
    {"recurrent layers",
     "gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh "
     "rnn_tanh_cell"},
    {"attention",
     "_scaled_dot_product_attention_math "
     "_scaled_dot_product_cudnn_attention "
     "_scaled_dot_product_efficient_attention "
     "_scaled_dot_product_flash_attention "
     "_scaled_dot_product_flash_attention_for_cpu "
     "scaled_dot_product_attention"},
    {"activations",
     "_add_relu _log_softmax _masked_softmax _prelu_kernel _safe_softmax "
     "_softmax celu elu gelu glu hardshrink hardsigmoid hardswish hardtanh "
     "leaky_relu log_sigmoid log_sigmoid_forward log_softmax logit mish "
     "prelu relu relu6 selu sigmoid silu softmax softplus softshrink "
     "special_log_softmax special_softmax tanh threshold"},
    {"losses",
     "_ctc_loss binary_cross_entropy binary_cross_entropy_with_logits "
     "cosine_embedding_loss cross_entropy_loss ctc_loss "
     "hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss "
     "mse_loss multi_margin_loss multilabel_margin_loss "
     "multilabel_margin_loss_forward nll_loss nll_loss2d "
     "nll_loss2d_forward nll_loss_forward nll_loss_nd poisson_nll_loss "
     "smooth_l1_loss soft_margin_loss triplet_margin_loss"},
    {"elementwise functions",
     "__and__ __iand__ __ilshift__ __ior__ __irshift__ __ixor__ __lshift__ "
     "__or__ __rshift__ __xor__ abs absolute acos acosh add addcdiv "
     "addcmul angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh "
     "asin asinh atan atan2 atanh bitwise_and bitwise_left_shift "
     "bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp "
     "clamp_max clamp_min clip copysign cos cosh deg2rad digamma div "
     "divide eq erf erfc erfinv exp exp2 expm1 fix float_power floor "
     "floor_divide fmax fmin fmod frac frexp gcd ge greater greater_equal "
     "gt hypot i0 igamma igammac isclose isfinite isinf isnan isneginf "
     "isposinf isreal lcm ldexp le lerp less less_equal lgamma log log10 "
     "log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or "
     "logical_xor lt maximum minimum mul multiply mvlgamma nan_to_num ne "
     "neg negative nextafter not_equal polygamma positive pow rad2deg "
     "reciprocal remainder round rsqrt rsub sgn sign signbit sin sinc sinh "
     "sqrt square sub subtract tan true_divide trunc xlogy"},
    {"special functions",
     "special_airy_ai special_bessel_j0 special_bessel_j1 "
     "special_bessel_y0 special_bessel_y1 special_chebyshev_polynomial_t "
     "special_chebyshev_polynomial_u special_chebyshev_polynomial_v "
     "special_chebyshev_polynomial_w special_digamma special_entr "
     "special_erf special_erfc special_erfcx special_erfinv special_exp2 "
     "special_expit special_expm1 special_gammainc special_gammaincc "
     "special_gammaln special_hermite_polynomial_h "
     "special_hermite_polynomial_he special_i0 special_i0e special_i1 "
     "special_i1e special_laguerre_polynomial_l "
     "special_legendre_polynomial_p special_log1p special_log_ndtr "
     "special_logit special_logsumexp special_modified_bessel_i0 "
     "special_modified_bessel_i1 special_modified_bessel_k0 "
     "special_modified_bessel_k1 special_multigammaln special_ndtr "
     "special_ndtri special_polygamma special_psi special_round "
     "special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 "
     "special_shifted_chebyshev_polynomial_t "
     "special_shifted_chebyshev_polynomial_u "
     "special_shifted_chebyshev_polynomial_v "
     "special_shifted_chebyshev_polynomial_w special_sinc "
     "special_spherical_bessel_j0 special_xlog1py special_xlogy "
     "special_zeta"},
};

}  // namespace

std::span<const OperatorFamily> tensor_families() {
  return kTensorFamilies;
}

}  // namespace pp
