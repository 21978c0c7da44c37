"""The board: every part that a pipeline can name. To add one: a file there, a line here.

Another package adds engines, exporters and compressors by entry points of the groups that stand
behind these tables; backends by "ai_workflow.backends"."""

from stages.runtime.registry import Registry

STAGES = Registry(
    "stage",
    "stages",
    {
        "etl": ".etl:etl",
        "train": ".train:train",
        "evaluate": ".evaluate:evaluate",
        "deploy": ".deploy:deploy",
    },
)

TASKS = Registry(
    "task",
    "stages",
    {
        "image_classification": ".tasks.image_classification:ImageClassification",
        "sound_classification": ".tasks.sound_classification:SoundClassification",
        "object_detection": ".tasks.object_detection:ObjectDetection",
    },
)

MODALITIES = Registry(
    "modality",
    "stages",
    {
        "pictures": ".media.pictures:Pictures",
        "sounds": ".media.sounds:Sounds",
    },
)

TRAINERS = Registry(
    "trainer",
    "stages",
    {
        "heads": ".train.heads.head_search:Heads",
        "detectors": ".train.detection:Detectors",
    },
)

ANSWERS = Registry(
    "kind of answer",
    "stages",
    {
        "labels": ".evaluate.labels:Labels",
        "boxes": ".evaluate.boxes:Boxes",
    },
)

READERS = Registry(
    "reader",
    "stages",
    {
        "label_studio": ".etl.readers.label_studio:LabelStudio",  # before csv: it exports CSVs, too
        "csv": ".etl.readers.csv_table:CsvTable",
        "lists": ".etl.readers.lists:Lists",
        "coco": ".etl.readers.coco:Coco",
        "cvat": ".etl.readers.cvat:Cvat",
        "voc": ".etl.readers.voc:Voc",
        "yolo": ".etl.readers.yolo:Yolo",
        "class_folders": ".etl.readers.class_folders:ClassFolders",
        "inner_folders": ".etl.readers.class_folders:InnerFolders",
    },
)

WRITERS = Registry(
    "writer",
    "stages",
    {
        "class_folders": ".etl.writers.class_folders_writer:ClassFoldersWriter",
        "csv": ".etl.writers.csv_writer:CsvWriter",
        "coco": ".etl.writers.coco_writer:CocoWriter",
        "yolo": ".etl.writers.yolo_writer:YoloWriter",
        "voc": ".etl.writers.voc_writer:VocWriter",
        "label_studio": ".etl.writers.label_studio_writer:LabelStudioWriter",
        "croissant": ".etl.writers.croissant_writer:CroissantWriter",
    },
)

AUGMENTATIONS = Registry(
    "augmentation",
    "stages",
    {
        "horizontal_flip": ".etl.augmentations.flip:HorizontalFlip",
        "vertical_flip": ".etl.augmentations.flip:VerticalFlip",
        "rotate": ".etl.augmentations.rotate:Rotate",
        "turn": ".etl.augmentations.turn:Turn",
        "crop": ".etl.augmentations.crop:Crop",
        "colour": ".etl.augmentations.colour:Colour",
        "erase": ".etl.augmentations.erase:Erase",
        "rand_augment": ".etl.augmentations.rand_augment:RandAugment",
        "noise": ".etl.augmentations.noise:Noise",
        "scale": ".etl.augmentations.scale:Scale",
        "mosaic": ".etl.augmentations.mosaic:Mosaic",
        "time_shift": ".etl.augmentations.time_shift:TimeShift",
        "gain": ".etl.augmentations.gain:Gain",
        "background_noise": ".etl.augmentations.background_noise:BackgroundNoise",
        "spec_mask": ".etl.augmentations.spec_mask:SpecMask",
        "mixup": ".etl.augmentations.mixup:Mixup",
    },
)

FAMILIES = Registry(
    "model family",
    "stages",
    {
        "efficientnet_lite0": ".models.efficientnet_lite:LITE0",
        "efficientnet_lite1": ".models.efficientnet_lite:LITE1",
        "efficientnet_lite2": ".models.efficientnet_lite:LITE2",
        "squeezenet": ".models.squeezenet:SQUEEZENET",
        "mobilenet_v2": ".models.mobilenet_v2:MOBILENET_V2",
        "mobilenet_v3_small": ".models.mobilenet_v3:SMALL",
        "mobilenet_v3_large": ".models.mobilenet_v3:LARGE",
        "shufflenet_v2": ".models.shufflenet_v2:WHOLE",
        "shufflenet_v2_x0_5": ".models.shufflenet_v2:HALF",
        "resnet18": ".models.resnet:RESNET18",
        "resnet50": ".models.resnet:RESNET50",
        "inception_v3": ".models.inception_v3:INCEPTION_V3",
        "pp_lcnet": ".models.pp_lcnet:PP_LCNET",
        "logmel_segments": ".models.logmel_segments:LOGMEL_SEGMENTS",
        "small_audio": ".models.small_audio:SMALL_AUDIO",
        "small_image": ".models.small_image:SMALL_IMAGE",
        "searched_audio": ".models.searched:SEARCHED_AUDIO",
        "searched_image": ".models.searched:SEARCHED_IMAGE",
        "yamnet": ".models.yamnet:YAMNET",
        "lite_detector": ".models.detector:LITE_DETECTOR",
        "mobile_ssd": ".models.detector:MOBILE_SSD",
        "nanodet": ".models.nanodet:NANODET",
    },
)

SEARCHERS = Registry(
    "searcher",
    "stages",
    {
        "optuna": ".train.search.searchers.tpe:Tpe",
        "random": ".train.search.searchers.random:Random",
        "evolution": ".train.search.searchers.evolution:Evolution",
    },
)

CONTROLLERS = Registry(
    "controller",
    "stages",
    {
        "hierarchical_ppo": ".train.architecture.controllers.hierarchical_ppo:HierarchicalPpo",
        "flat_ppo": ".train.architecture.controllers.flat_ppo:FlatPpo",
        "reinforce": ".train.architecture.controllers.reinforce:Reinforce",
        "evolution": ".train.architecture.controllers.regularised_evolution:RegularisedEvolution",
        "local_search": ".train.architecture.controllers.local_search:LocalSearch",
        "random": ".train.architecture.controllers.random_choices:RandomChoices",
        "random_from_prior": ".train.architecture.controllers.random_choices:RandomFromPrior",
    },
)

COMPRESSORS = Registry(
    "compressor",
    "stages",
    {
        # the format of its networks, and the number format that it makes
        "onnx/int8": ".deploy.compressors.int8:Int8",
        "onnx/int8_percentile": ".deploy.compressors.int8:Int8Percentile",
        "onnx/int8_mixed": ".deploy.compressors.int8_mixed:Int8Mixed",
        "onnx/int8_finetuned": ".deploy.compressors.int8_finetuned:Int8Finetuned",
        "onnx/int8_weight_only": ".deploy.compressors.int8_weight_only:Int8WeightOnly",
        "onnx/float16": ".deploy.compressors.float16:Float16",
        "onnx/float32": ".deploy.compressors.float32:Float32",
        "ncnn/int8": ".deploy.compressors.ncnn_weights:NcnnInt8",
        "ncnn/float16": ".deploy.compressors.ncnn_weights:NcnnFloat16",
        "ncnn/float32": ".deploy.compressors.as_exported:NcnnFloat32",
        "mnn/int8": ".deploy.compressors.mnn_weights:MnnInt8",
        "mnn/float16": ".deploy.compressors.mnn_weights:MnnFloat16",
        "mnn/float32": ".deploy.compressors.as_exported:MnnFloat32",
        "tflite/int8": ".deploy.compressors.tflite_weights:TfliteInt8",
        "tflite/float16": ".deploy.compressors.tflite_weights:TfliteFloat16",
        "tflite/float32": ".deploy.compressors.as_exported:TfliteFloat32",
        "paddle_inference/float32": ".deploy.compressors.as_exported:PaddleFloat32",
        "numpy/float16": ".deploy.compressors.numpy_float16:NumpyFloat16",
        "numpy/float32": ".deploy.compressors.as_exported:NumpyFloat32",
    },
    "ai_workflow.compressors",
)


def numerics() -> list[str]:
    """The number formats that some compressor makes."""
    return list(dict.fromkeys(name.partition("/")[2] for name in COMPRESSORS))


ENGINES = Registry(
    "engine",
    "stages",
    {
        "onnxruntime": ".deploy.engines.onnxruntime:ONNX_RUNTIME",
        "opencv": ".deploy.engines.opencv:OPENCV",
        "openvino": ".deploy.engines.openvino:OPENVINO",
        "ncnn": ".deploy.engines.ncnn:NCNN",
        "mnn": ".deploy.engines.mnn:MNN",
        "litert": ".deploy.engines.litert:LITERT",
        "paddle_inference": ".deploy.engines.paddle_inference:PADDLE_INFERENCE",
        "numpy": ".deploy.engines.numpy:NUMPY",
    },
    "ai_workflow.engines",
)

EXPORTERS = Registry(
    "exporter",
    "stages",
    {
        "onnx": ".deploy.exporters.onnx:Onnx",
        "ncnn": ".deploy.exporters.to_ncnn:NcnnExporter",
        "mnn": ".deploy.exporters.to_mnn:MnnExporter",
        "tflite": ".deploy.exporters.to_litert:LitertExporter",
        "paddle_inference": ".deploy.exporters.paddle_files:PaddleFiles",
        "numpy": ".deploy.exporters.numpy_network:NumpyExporter",
    },
    "ai_workflow.exporters",
)

TARGETS = Registry(
    "target",
    "stages",
    {
        "device_sdk": ".deploy.targets.device_sdk:DeviceSdk",
        "cloud_api": ".deploy.targets.cloud_api:CloudApi",
        # a target with the name of an engine packs for that engine
        "openvino": ".deploy.targets.openvino_folder:OpenVinoFolder",
        "ncnn": ".deploy.targets.ncnn_folder:NcnnFolder",
        "mnn": ".deploy.targets.mnn_folder:MnnFolder",
        "litert": ".deploy.targets.litert_folder:LitertFolder",
        "microcontroller": ".deploy.targets.microcontroller:Microcontroller",
        "executable": ".deploy.targets.executable:Executable",
        "android": ".deploy.targets.android:Android",
        "ios": ".deploy.targets.ios:Ios",
    },
)

BLOBS = Registry(
    "place for bytes",
    "stages",
    {
        "folder": ".blobs.folder:FolderBlobs",
        "s3": ".blobs.s3:S3Blobs",
        "memory": ".blobs.memory:MemoryBlobs",
    },
)

SAMPLES = Registry(
    "sample data set",
    "stages",
    {
        "digits": ".samples.digits:DIGITS",
        "solar_cells": ".samples.solar_cells:SOLAR_CELLS",
        "trees": ".samples.trees:TREES",
        "drums": ".samples.drums:DRUMS",
    },
)
