using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization;

// Written by TrainersCatalogTests from the list of recipes.
public sealed partial class QuantizationTrainersCatalog
{
    private const string Label = QuantizationAwareTrainingEstimator.Defaults.LabelColumnName;
    private const string Features = ScoringOptions.Defaults.InputColumnName;

    /// <summary>ABC-Net: weights by ABC-W (1 to 5 bits), activations by ABC-A (1 to 5 bits); Lin et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator AbcNet(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("ABC-Net", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>ADMM: weights by ADMM (1 to 4 bits), activations by LSQ (2 to 8 bits); Leng et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Admm(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("ADMM", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>Affine: weights by Affine (2 to 8 bits), activations by Affine (2 to 8 bits); Jacob et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Affine(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("Affine", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>BMXNet: weights by BMXNet (1 bit), activations by BMXNet (1 bit); Bethge et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator BMXNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("BMXNet", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>Bi-Real: weights by Bi-Real (1 bit), activations by Bi-Real (1 bit); Liu et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator BiReal(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("Bi-Real", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>BinaryConnect: weights by BinaryConnect (1 bit), activations by LSQ (2 to 8 bits); Courbariaux et al., 2015.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator BinaryConnect(
        NetworkStart network, int weightBits = 1, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("BinaryConnect", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>BinaryDenseNet: weights by BNN (1 bit), activations by BNN (1 bit); Bethge et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator BinaryDenseNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("BinaryDenseNet", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>BNN: weights by BNN (1 bit), activations by BNN (1 bit); Hubara et al., 2016.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Bnn(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("BNN", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>BWN: weights by BWN (1 bit), activations by LSQ (2 to 8 bits); Rastegari et al., 2016.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Bwn(
        NetworkStart network, int weightBits = 1, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("BWN", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>DoReFa: weights by DoReFa-W (1 to 7 bits), activations by DoReFa-A (1 to 8 bits); Zhou et al., 2016.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator DoReFa(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("DoReFa", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>FTProp: weights by BWN (1 bit), activations by FTP-A (1 to 3 bits); Friesen and Domingos, 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator FTProp(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("FTProp", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>Group-Net: weights by Group-Net (1 bit), activations by Group-Net (1 bit); Zhuang et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator GroupNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("Group-Net", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>HashNet: weights by HashNet (1 bit), activations by HashNet (1 bit); Cao et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator HashNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("HashNet", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>HORQ: weights by XNOR (1 bit), activations by HORQ-A (1 to 3 bits); Li et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Horq(
        NetworkStart network, int weightBits = 1, int activationBits = 2, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("HORQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>HWGQ: weights by HWGQ-W (1 bit), activations by HWGQ (1 to 4 bits); Cai et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Hwgq(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("HWGQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>IR-Net: weights by IR-Net (1 bit), activations by IR-Net (1 bit); Qin et al., 2020.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator IRNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("IR-Net", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>INQ: weights by INQ (2 to 5 bits), activations by LSQ (2 to 8 bits); Zhou et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Inq(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("INQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LQ-Nets: weights by LQ-Nets (1 to 4 bits), activations by LQ-Nets (1 to 4 bits); Zhang et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator LQNets(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LQ-Nets", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LAB: weights by LAB (1 bit), activations by LSQ (2 to 8 bits); Hou et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Lab(
        NetworkStart network, int weightBits = 1, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LAB", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LAQ: weights by LAQ (3 to 8 bits), activations by LSQ (2 to 8 bits); Hou and Kwok, 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Laq(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LAQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LAT: weights by LAT (2 bits), activations by LSQ (2 to 8 bits); Hou and Kwok, 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Lat(
        NetworkStart network, int weightBits = 2, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LAT", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LSQ: weights by LSQ (2 to 8 bits), activations by LSQ (2 to 8 bits); Esser et al., 2020.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Lsq(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LSQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>LSQ+: weights by LSQ (2 to 8 bits), activations by LSQ+ (2 to 8 bits); Bhalgat et al., 2020.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator LsqPlus(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("LSQ+", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>PACT: weights by DoReFa-W (1 to 7 bits), activations by PACT (2 to 8 bits); Choi et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Pact(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("PACT", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>PACT-SAWB: weights by SAWB (2 to 5 bits), activations by PACT (2 to 8 bits); Choi et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator PactSawb(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("PACT-SAWB", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>QN: weights by QN (1 to 4 bits), activations by QN (1 to 4 bits); Yang et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator QN(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("QN", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>RQ: weights by RQ (2 to 8 bits), activations by RQ (2 to 8 bits); Louizos et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator RQ(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("RQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>RQ-ST: weights by RQ-ST (2 to 8 bits), activations by RQ-ST (2 to 8 bits); Louizos et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator RQST(
        NetworkStart network, int weightBits = 4, int activationBits = 4, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("RQ-ST", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>ReActNet: weights by Bi-Real (1 bit), activations by Bi-Real (1 bit); Liu et al., 2020.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator ReActNet(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("ReActNet", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>ResNetE: weights by BNN (1 bit), activations by BNN (1 bit); Bethge et al., 2019.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator ResNetE(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("ResNetE", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>Tang: weights by Tang-W (1 bit), activations by HORQ-A (1 to 3 bits); Tang et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Tang(
        NetworkStart network, int weightBits = 1, int activationBits = 2, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("Tang", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>TBN: weights by BWN (1 bit), activations by TBN-A (2 bits); Wan et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Tbn(
        NetworkStart network, int weightBits = 1, int activationBits = 2, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("TBN", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>TernaryResidual: weights by TernaryResidual (2 to 6 bits), activations by LSQ (2 to 8 bits); Kundu et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator TernaryResidual(
        NetworkStart network, int weightBits = 4, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("TernaryResidual", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>TTQ: weights by TTQ (2 bits), activations by LSQ (2 to 8 bits); Zhu et al., 2017.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Ttq(
        NetworkStart network, int weightBits = 2, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("TTQ", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>TWN: weights by TWN (2 bits), activations by LSQ (2 to 8 bits); Li and Liu, 2016.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Twn(
        NetworkStart network, int weightBits = 2, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("TWN", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>WAGE: weights by WAGE-W (2 to 8 bits), activations by WAGE-A (2 to 8 bits); Wu et al., 2018.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Wage(
        NetworkStart network, int weightBits = 2, int activationBits = 8, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("WAGE", network, weightBits, activationBits, labelColumnName, featureColumnName, training);

    /// <summary>XNOR: weights by XNOR (1 bit), activations by XNOR (1 bit); Rastegari et al., 2016.</summary>
    /// <inheritdoc cref="Recipe" path="/param"/>
    public QuantizationAwareTrainingEstimator Xnor(
        NetworkStart network, int weightBits = 1, int activationBits = 1, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)
        => Recipe("XNOR", network, weightBits, activationBits, labelColumnName, featureColumnName, training);
}
