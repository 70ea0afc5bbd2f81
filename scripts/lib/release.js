const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { ROOT, bin } = require('./run');

/** What the main package carries; the addon is in a package of its own for each platform. */
const CARRIED = ['dist', 'electron', 'index.d.ts', 'README.md', 'CHANGELOG.md', 'LICENSE'];

/**
 * Packs what would be published from this machine: the main package without an addon, and the
 * package of this platform. Gives their files, and sizes in bytes.
 *
 * `folder` is made anew.
 */
function packRelease(folder) {
  const main = path.join(folder, 'settee');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(main, { recursive: true });
  const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  fs.writeFileSync(path.join(main, 'package.json'), JSON.stringify(manifest, null, 2));
  for (const name of CARRIED) {
    fs.cpSync(path.join(ROOT, name), path.join(main, name), { recursive: true });
  }
  must(process.execPath, [bin('@napi-rs/cli', 'dist/cli.js'), 'create-npm-dirs'], main);
  const npm = path.join(main, 'npm');
  const platforms = fs.readdirSync(npm).map((directory) => {
    const { name, main: file } = JSON.parse(
      fs.readFileSync(path.join(npm, directory, 'package.json'), 'utf8'),
    );
    return { directory, name, file };
  });
  const [addon] = fs.readdirSync(ROOT).filter((name) => /^settee\..+\.node$/.test(name));
  const here = platforms.find(({ file }) => file === addon);
  if (here === undefined) {
    throw new Error(`no package for ${addon}: platforms are ${platforms.map(({ file }) => file)}`);
  }
  const platform = path.join(folder, here.name);
  fs.renameSync(path.join(npm, here.directory), platform);
  fs.rmSync(npm, { recursive: true });
  fs.copyFileSync(path.join(ROOT, addon), path.join(platform, addon));
  // As `napi pre-publish` does it once the packages of all platforms are there.
  const optionalDependencies = Object.fromEntries(
    platforms.map(({ name }) => [name, manifest.version]),
  );
  fs.writeFileSync(
    path.join(main, 'package.json'),
    JSON.stringify({ ...manifest, optionalDependencies }, null, 2),
  );
  return {
    addon: fs.statSync(path.join(ROOT, addon)).size,
    platform: { name: here.name, ...pack(platform, folder) },
    main: { name: manifest.name, ...pack(main, folder) },
    platforms: platforms.map(({ name }) => name),
  };
}

function pack(from, into) {
  const output = must(
    npmCommand(),
    ['pack', '--json', '--ignore-scripts', '--pack-destination', into],
    from,
  );
  const [{ filename, size, unpackedSize, files }] = JSON.parse(output);
  return {
    tarball: path.join(into, filename),
    size,
    unpackedSize,
    files: files.map((file) => file.path),
  };
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

function must(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    throw new Error(`${command} ${args[0]} failed (${status}):\n${stdout}${stderr}`);
  }
  return stdout;
}

module.exports = { packRelease };
