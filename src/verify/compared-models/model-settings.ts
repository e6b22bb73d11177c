/** What `--models` names → the options of that model. */

import { basename, dirname, resolve } from 'node:path';
import { optionName } from '../../config/option-name.ts';
import { withValues } from '../../config/shape.ts';
import { ASKED_DTYPES, type AskedDtype } from '../../config/values/dtype.ts';
import type { Settings } from '../../config/settings.ts';
import { presentDtypes } from '../../embedding/model-files/dtype.ts';
import { isModelFolder, locateModel, modelDtype } from '../../embedding/model-files/files.ts';
import { withUsageOf } from '../../embedding/usage/usage.ts';
import { ConfigError } from '../../errors.ts';

/** The model that is trained on the table's texts. */
const TRAINED = 'trained';
/** The configured server, with the configured name or one behind a colon. */
const ENDPOINT = 'endpoint';

/** Another word for fp32. */
const FULL = 'full';
/** Behind everything else: so many dimensions. */
const CUT = /^(.*):(\d+)$/;
const SUFFIXED = new RegExp(`^(.*):(${[...ASKED_DTYPES, FULL].join('|')})$`);

export interface NamedModel {
  asked: string;
  kind: 'local' | 'trained' | 'endpoint';
  /** Folder or name; of a server as it knows it, empty for the configured one. */
  name: string;
  /** Null where it is as configured, or as its folder has it. */
  dtype: AskedDtype | null;
  /** Of a vector; null where it is whole, or as configured of the configured model. */
  dimensions: number | null;
}

/** @throws ConfigError `USAGE` where nothing is named, or one twice */
export function parseModels(given: string | boolean | undefined): NamedModel[] {
  const names = typeof given === 'string' ? given.split(',').map((name) => name.trim()) : [];
  const missing = names.length === 0 || names.includes('');
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (missing || twice !== undefined)
    throw new ConfigError(
      missing ? '--models is missing: which models to compare.' : `--models names ${twice} twice.`,
      {
        code: 'USAGE',
        remedy:
          'For example: --models trained,Xenova/all-MiniLM-L6-v2:int8,./models/mine:full (a name in model.localPath, a folder, trained, or endpoint).',
      },
    );
  return names.map((asked) => parseModel(asked));
}

function parseModel(asked: string): NamedModel {
  if (asked === ENDPOINT || asked.startsWith(`${ENDPOINT}:`))
    return { asked, kind: 'endpoint', name: asked.slice(ENDPOINT.length + 1), dtype: null, dimensions: null };
  const [, whole = asked, dimensions] = CUT.exec(asked) ?? [];
  const [, name = whole, suffix] = SUFFIXED.exec(whole) ?? [];
  const dtype = suffix === FULL ? 'fp32' : ((suffix ?? null) as AskedDtype | null);
  return {
    asked,
    kind: name === TRAINED ? 'trained' : 'local',
    name,
    dtype,
    dimensions: dimensions === undefined ? null : Number(dimensions),
  };
}

/** @throws ConfigError where no server is configured */
export function settingsOfModel(
  settings: Settings,
  { kind, name, dtype, dimensions }: NamedModel,
  cwd: string,
): Settings {
  if (kind === 'endpoint') return settingsOfEndpoint(settings, name);
  const folder = resolve(cwd, name);
  const isFolder = isModelFolder(folder);
  const change: (readonly [string, unknown])[] = [
    ['model.endpoint', undefined],
    // A pin is of the configured model alone.
    ...(name === settings.model.name ? [] : PINS),
    ['model.localPath', isFolder ? dirname(folder) : resolve(cwd, settings.model.localPath)],
    ['model.name', isFolder ? basename(folder) : name],
    ...ofSuffixes({ dtype, dimensions }),
  ];
  const local = withUsageOf(settings, (plain) => withValues(plain, change));
  return dtype === null ? withPresentGraph(local) : local;
}

const PINS = [
  ['model.checksum', undefined],
  ['model.revision', 'main'],
  ['model.dimensions', undefined],
] as const;

const ofSuffixes = ({
  dtype,
  dimensions,
}: Pick<NamedModel, 'dtype' | 'dimensions'>): (readonly [string, unknown])[] => [
  ...(dtype === null ? [] : [['model.dtype', dtype] as const]),
  ...(dimensions === null ? [] : [['model.dimensions', dimensions] as const]),
];

/** Of a model of this trainer, whatever the model of the configuration wants. */
export const settingsOfTrained = (
  settings: Settings,
  folder: string,
  suffixes: Pick<NamedModel, 'dtype' | 'dimensions'>,
): Settings =>
  withValues(
    withUsageOf(settings, (plain) => withValues(plain, [['model.name', basename(folder)]])),
    [
      ...PINS,
      ['model.endpoint', undefined],
      ['model.localPath', dirname(folder)],
      ['model.name', basename(folder)],
      ['model.pooling', 'mean'],
      ['model.documentPrefix', undefined],
      ['model.queryPrefix', undefined],
      ...ofSuffixes(suffixes),
    ],
  );

function settingsOfEndpoint(settings: Settings, name: string): Settings {
  if (settings.model.endpoint === undefined)
    throw new ConfigError('endpoint is among --models, and no server is configured.', {
      code: 'NO_ENDPOINT',
      remedy: `Set ${optionName('model.endpoint')}, or leave it out.`,
    });
  return name === '' ? settings : withValues(settings, [['model.name', name]]);
}

/** What its folder has where the configured precision is not there. */
function withPresentGraph(settings: Settings): Settings {
  const present = presentDtypes(locateModel(settings.model).folder);
  if (present.length === 0 || present.includes(modelDtype(settings.model))) return settings;
  const auto = withValues(settings, [['model.dtype', 'auto']]);
  return withValues(auto, [['model.dtype', modelDtype(auto.model)]]);
}
