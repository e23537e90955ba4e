"""What any config says, read and compared without building anything."""

from mmlth.engine.configs.accepted_config import STATE_FORMAT, config_record
from mmlth.engine.configs.base_lottery import base_lottery
from mmlth.engine.configs.contents import sha256_of
from mmlth.engine.configs.data_check import check_annotations, check_data
from mmlth.engine.configs.data_loader import last_train_dataloader, plain_loader
from mmlth.engine.configs.decisive_settings import (
    decisive_lottery,
    differences,
    plain_settings,
    recorded_settings,
    result_affecting_config,
)
from mmlth.engine.configs.downloads import explaining_failed_downloads
from mmlth.engine.configs.image_size import ImageSize, validation_size
from mmlth.engine.configs.lazy_configs import without_modules
from mmlth.engine.configs.parts import all_parts, type_name, values_of
from mmlth.engine.configs.reading import read_config, searched_config
from mmlth.engine.configs.runner_config import built_from, defaults
from mmlth.engine.configs.search_files import BRANCHES, STATE_FILE
from mmlth.engine.configs.untrained import reinitialised

__all__ = [
    'BRANCHES',
    'STATE_FILE',
    'STATE_FORMAT',
    'ImageSize',
    'all_parts',
    'base_lottery',
    'built_from',
    'check_annotations',
    'check_data',
    'config_record',
    'decisive_lottery',
    'defaults',
    'differences',
    'explaining_failed_downloads',
    'last_train_dataloader',
    'plain_loader',
    'plain_settings',
    'read_config',
    'recorded_settings',
    'reinitialised',
    'result_affecting_config',
    'searched_config',
    'sha256_of',
    'type_name',
    'validation_size',
    'values_of',
    'without_modules',
]
