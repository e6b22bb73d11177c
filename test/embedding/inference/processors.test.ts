import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { usableProcessors } from '../../../src/embedding/inference/processors.ts';

const files =
  (content: Record<string, string>) =>
  (file: string): string => {
    const text = content[file];
    if (text === undefined) throw new Error(`ENOENT: ${file}`);
    return text;
  };
const all = availableParallelism();

describe('processors that may be used', () => {
  it('are those of the machine where nothing limits them', () => {
    expect(usableProcessors(files({}))).toBe(all);
    expect(
      usableProcessors(files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' })),
    ).toBe(all);
  });

  it.each([
    ['100000 100000', 1],
    ['50000 100000', 1],
    ['150000 100000', Math.min(2, all)],
    ['6400000 100000', Math.min(64, all)],
  ])('are as many as a limit of %s lets compute at a time', (limit, expected) => {
    const read = files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': `${limit}\n` });
    expect(usableProcessors(read)).toBe(expected);
  });

  it('follow the tightest of the groups around the process', () => {
    const read = files({
      '/proc/self/cgroup': '0::/kubepods/pod1/container2\n',
      '/sys/fs/cgroup/kubepods/pod1/container2/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/kubepods/pod1/cpu.max': '100000 100000\n',
      '/sys/fs/cgroup/kubepods/cpu.max': '800000 100000\n',
    });
    expect(usableProcessors(read)).toBe(1);
  });

  it('know the older kind of groups, -1 being no limit', () => {
    const group = '3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n';
    const quota = (value: string): ((file: string) => string) =>
      files({
        '/proc/self/cgroup': group,
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': value,
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      });
    expect(usableProcessors(quota('90000'))).toBe(1);
    expect(usableProcessors(quota('-1'))).toBe(all);
  });
});
