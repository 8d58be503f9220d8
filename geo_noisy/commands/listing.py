"""All commands, by what one wants."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    'try it': {
        'demo': ('demo', 'pretrain, probe and compare on a small synthetic data set'),
        'gallery': ('gallery', 'draw pictures of pairs, views, losses, features and a map of change'),
        'scenes': ('scenes', 'write synthetic scenes at several dates, with polygons of change'),
    },
    'set up': {
        'completion': ('completion', 'write what makes bash or zsh complete these commands and their options'),
        'doctor': ('doctor', 'tell versions, processor, GPU and readers of this machine, and what is missing'),
        'configs': ('configs', 'list the configs that come with geo-noisy, or copy some to change them'),
    },
    'make pairs over a region': {
        'search': ('search', 'find the images of an area in an archive (STAC), and keep their list'),
        'index': ('index', 'find temporal pairs in images, and say how noisy they are'),
    },
    'train and measure, from a YAML file': {
        'fit': ('trainer', 'pretrain an encoder, or train a probe on one'),
        'validate': ('trainer', 'measure a checkpoint on validation data'),
        'test': ('trainer', 'measure a checkpoint on test data'),
        'predict': ('trainer', 'predict with a checkpoint'),
    },
    'take it to your own ground': {
        'embed': ('embed', 'embeddings of images or an index, by window or by cell'),
        'change': ('change', 'maps of change between dates, and change per polygon'),
        'segment': ('segment', 'classes of each pixel, by a probe'),
        'similar': ('similar', 'find the windows most like one'),
        'export': ('export', 'write an encoder for torch, timm, TorchGeo or ONNX, with a model card'),
    },
    'compare': {
        'sweep': ('sweep', 'run a grid of experiments and compare its cells'),
        'report': ('report', "draw the paper's figures from tables of results, and judge its claims"),
    },
}
"""What one wants, the commands for it, and of each its module in ``geo_noisy.commands`` and what it does."""
