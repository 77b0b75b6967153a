"""What other tools publish: names, argument orders and defaults, as lines "module: name(arguments)".

`test_published_names` holds `refapprox.compat` against these, and these against the tools' own sources where they are.
Of a class it is the constructor; self is left out, and a None stands for any default that is not plain.
"""

AIHWKIT = """
inference.converter.conductance: SinglePairConductanceConverter(g_max=None, g_min=None)
inference.converter.conductance: NPairConductanceConverter(f_lst, g_max=None, g_min=None)
inference.converter.conductance: DualPairConductanceConverter(f_lst, g_max=None, g_min=None)
inference.converter.conductance: CustomPairConductanceConverter(f_lst, g_lst, g_max=None, g_min=None, \
invertibility_test=True)
inference.converter.conductance: NPairConductanceConverter.convert_to_conductances(weights)
inference.converter.conductance: NPairConductanceConverter.convert_back_to_weights(conductances, params)
inference.converter.conductance: CustomPairConductanceConverter.invertibility_test()
inference.converter.conductance: SingleDeviceConductanceConverter(g_max=None, g_min=None)
inference.converter.conductance: SingleDeviceConductanceConverter.convert_to_conductances(weights)
inference.converter.conductance: SingleDeviceConductanceConverter.convert_back_to_weights(conductances, params)
inference.converter.fusion: FusionConductanceConverter(g_max=40)
inference.converter.fusion: FusionConductanceConverter.convert_to_conductances(weights)
inference.converter.fusion: FusionConductanceConverter.convert_back_to_weights(conductances, params)
inference.converter.wpo: downsample_weight_distribution(weights, shape)
inference.converter.wpo: stop_criterion(intermediate_result)
inference.converter.wpo: partition_parameters(x, d)
inference.converter.wpo: reformat_x_g(x_g, len_f_lst, symmetric)
inference.converter.wpo: loss_weights(model, t_steps, test_weights, max_abs_weight_unitless, loss_baseline, \
loss_margin, get_baseline=False)
inference.converter.wpo: shuffle_weights(weights)
inference.converter.wpo: loss_rpu_config(d)
inference.converter.wpo: span_of_remaining_pairs(span_of_each_pair, ind)
inference.converter.wpo: denormalize(x, d)
inference.converter.wpo: loss_fxn(x)
inference.converter.wpo: WeightProgrammingOptimizer(weights, f_lst, rpu_config, t_steps, g_converter_baseline, \
symmetric=True)
inference.converter.wpo: WeightProgrammingOptimizer.generate_hop_bounds()
inference.converter.wpo: WeightProgrammingOptimizer.get_loss_baseline()
inference.converter.wpo: WeightProgrammingOptimizer.differential_weight_evolution()
inference.converter.wpo: WeightProgrammingOptimizer.run_optimizer()
inference.noise.base: BaseNoiseModel(g_converter=None)
inference.noise.base: BaseNoiseModel.apply_noise(weights, t_inference)
inference.noise.base: BaseNoiseModel.apply_programming_noise(weights)
inference.noise.base: BaseNoiseModel.apply_drift_noise(weights, drift_noise_parameters, t_inference)
inference.noise.base: BaseNoiseModel.generate_drift_coefficients(g_target)
inference.noise.base: BaseNoiseModel.apply_programming_noise_to_conductance(g_target)
inference.noise.base: BaseNoiseModel.apply_drift_noise_to_conductance(g_prog, drift_noise_param, t_inference)
inference.noise.pcm: PCMLikeNoiseModel(prog_coeff=None, g_converter=None, g_max=None, t_read=2.5e-07, t_0=20.0, \
prog_noise_scale=1.0, read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None)
inference.noise.pcm: CustomDriftPCMLikeNoiseModel(custom_drift_model, prog_coeff=None, g_converter=None, g_max=None, \
t_read=2.5e-07, t_0=20.0, prog_noise_scale=1.0, read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None)
inference.noise.reram: ReRamWan2022NoiseModel(coeff_dic=None, g_converter=None, g_max=None, noise_scale=1.0, \
coeff_g_max_reference=None)
inference.noise.reram: ReRamWan2022NoiseModel.apply_drift_noise_to_conductance(g_prog, g_target, t_inference)
inference.noise.reram: ReRamCMONoiseModel(coeff_dict=None, g_max=None, g_min=None, prog_noise_scale=1.0, \
read_noise_scale=1.0, drift_scale=1.0, decay_dict=None, read_dict=None, acceptance_range=0.02)
inference.noise.reram: ReRamCMONoiseModel.apply_drift_noise_to_conductance(g_prog, drift_noise_param, t_inference)
inference.noise.hermes: HermesNoiseModel(prog_coeff=None, g_converter=None, num_devices=2, g_max=None, \
t_read=5.12e-07, t_0=None, prog_noise_scale=1.0, read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None)
inference.noise.custom: StateIndependentNoiseModel(g_converter=None, g_max=None, prog_coeff=None, \
prog_noise_scale=1.0, drift_nu_mean=0.1, drift_nu_std=0.05, drift_scale=1.0, t_0=20.0, read_noise_scale=1.0, \
t_read=2.5e-07)
inference.compensation.base: BaseDriftCompensation.get_readout_tensor(in_size)
inference.compensation.base: BaseDriftCompensation.readout(out_tensor)
inference.compensation.base: BaseDriftCompensation.apply(forward_output, ref_value)
inference.compensation.drift: GlobalDriftCompensation.readout(out_tensor)
inference.compensation.drift: PerColumnDriftCompensation.readout(out_tensor)
inference.compensation.drift: GlobalDriftCompensationWithExactReference.readout(out_tensor)
"""

TORCHAPPROX = """
operators.backend: approx(a, b, lut)
operators.backend: dwconv2d(x, w, lut, stride=1, padding=0)
operators.approxgemm: ApproxGeMM.forward(x, w, lut, quant_params, htp_model, traced_inputs)
operators.approxgemm: ApproxGeMM.setup_context(ctx, inputs, output)
operators.approxgemm: ApproxGeMM.backward(ctx, grad_output)
operators.conv2d: ApproxConv2dOp.forward(x, w, quant_params, conv_args, htp_model, out_dims, lut, traced_inputs)
operators.conv2d: ApproxConv2dOp.setup_context(ctx, inputs, output)
operators.conv2d: ApproxConv2dOp.backward(ctx, grad)
operators.conv2d: Conv2dArgs(in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
operators.conv2d: Conv2dArgs.backward_args()
operators.conv2d: Conv2dArgs.use_fast_dwconv()
layers.approx_layer: QuantizationParameters(x_scale, x_zero_point, w_scale, w_zero_point)
layers.approx_layer: TracedGeMMInputs(features, weights)
layers.approx_layer: TracedGeMMInputs.trace(x_q, w_q)
layers.approx_layer: ApproxLayer.default_qconfig()
layers.approx_layer: ApproxLayer.accurate_lut()
layers.approx_layer: ApproxLayer.noise_fwd(x_q, w_q)
layers.approx_linear: ApproxLinear(in_features, out_features, bias=True, qconfig=None, device=None, dtype=None)
layers.approx_linear: ApproxLinear.forward(x, x_scale=None, x_zero_point=None)
layers.approx_conv2d: ApproxConv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, \
bias=True, padding_mode='zeros', qconfig=None, device=None, dtype=None)
layers.approx_conv2d: ApproxConv2d.output_dims(x)
layers.approx_wrapper: ApproxWrapper(wrapped, qconfig=None)
layers.approx_wrapper: ApproxWrapper.forward(x)
layers.approx_wrapper: layer_mapping_dict()
utils.evoapprox: module_names(filter_str='')
utils.evoapprox: attribute(multiplier_name, attr_name)
utils.evoapprox: load_multiplier(multiplier_name)
utils.evoapprox: error_map(multiplier_name)
utils.evoapprox: error_distribution(multiplier_name, fan_in=1)
utils.evoapprox: bitwidth_from_name(multiplier_name)
utils.evoapprox: signedness_from_name(multiplier_name)
utils.evoapprox: lut(multiplier_name)
"""

AGNAPPROX = """
utils.error_stats: single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples=100000)
utils.error_stats: error_prediction(emap, x_dist, w_dist, fan_in)
utils.error_stats: get_sample_population(tensor, num_samples=512)
utils.error_stats: population_prediction(emap, x_multidist, w_dist, fan_in)
utils.error_stats: to_distribution(tensor, min_val, max_val)
utils.error_stats: error_calculation(accurate, approximate, fan_in)
utils.model: dump_results(result, lmbd)
utils.model: set_all(model, attr, value)
utils.model: IntermediateLayerResults(fan_in, features, outputs, weights=None)
utils.model: get_feature_maps(model, target_modules, trainer, datamodule)
utils.model: topk_accuracy(output, target, topk=(1,))
utils.model: EnhancedJSONEncoder.default(o)
utils.select_multipliers: select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples=512)
utils.select_multipliers: LayerInfo(name, multiplier_name, multiplier_performance_metric, opcount)
utils.select_multipliers: LayerInfo.relative_opcount(total_opcount)
utils.select_multipliers: LayerInfo.relative_energy_consumption(metric_max)
utils.select_multipliers: MatchingInfo(layers, metric_max, opcount)
utils.select_multipliers: deploy_multipliers(model, matching_result, library)
utils.select_multipliers: select_multipliers(model, datamodule, multipliers, trainer)
nets.approxnet: ApproxNet.train_baseline(datamodule)
nets.approxnet: ApproxNet.train_quant(datamodule)
nets.approxnet: ApproxNet.train_gradient(datamodule, lmbd=0.2, initial_noise=0.1)
nets.approxnet: ApproxNet.train_approx(datamodule, name_ext=None)
nets.lenet5: LeNet5()
nets.resnet: ResNet(resnet_size='ResNet8')
nets.vgg: VGG(vgg_size='VGG11', num_classes=200, pretrained=True)
nets.alexnet: AlexNet(num_classes=200, pretrained=True)
nets.mobilenetv2: MobileNetV2(num_classes=200, pretrained=True)
datamodules.cifar10: CIFAR10()
datamodules.tinyimagenet200: TinyImageNet(split=0.9)
datamodules.approx_datamodule: ApproxDataModule()
datamodules.approx_datamodule: ApproxDataModule.train_dataloader()
datamodules.approx_datamodule: ApproxDataModule.val_dataloader()
datamodules.approx_datamodule: ApproxDataModule.test_dataloader()
datamodules.approx_datamodule: ApproxDataModule.sample_dataloader(num_samples=128)
datamodules.mnist: MNIST()
datamodules.mnist: MNIST.prepare_data()
datamodules.mnist: MNIST.setup(stage=None)
libs.approxlib: ApproximateMultiplier(name, performance_metric, error_map)
libs.approxlib: ApproxLibrary.load_lut(name)
libs.approxlib: ApproxLibrary.search_space()
libs.evoapprox: EvoApprox(filter_str='mul8s', metric='PDK45_PWR')
"""


def entries(table):
    """(module, dotted name, [(argument, default or "")]) of every line."""
    for line in table.strip().splitlines():
        module, _, rest = line.partition(": ")
        name, _, arguments = rest[:-1].partition("(")
        yield module, name, [tuple((argument.strip() + "=").split("=")[:2]) for argument in split(arguments)]


def split(arguments):
    """The arguments between commas that are in no bracket."""
    parts, depth = [""], 0
    for character in arguments:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]
