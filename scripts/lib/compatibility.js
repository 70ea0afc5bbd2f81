const path = require('path');
const { LANGUAGE, NOTES } = require('./compatibility-notes');
const { readExports } = require('./declarations');
const { ROOT } = require('./run');

const INTRODUCTION = `# Compatibility with cblite-js

One row for everything that the package exports and for every engine function. Made by
\`npm run compatibility\` from the declarations and \`scripts/lib/compatibility-notes.js\`; a test
compares it, so change those and not this file.

| state | meaning |
|---|---|
| as reference | does what cblite-js and its engines do |
| superset | does at least that |
| fixed | a defect of the reference that is not reproduced |
| addition | not in the reference |
`;

/** The text of \`docs/compatibility.md\`. */
function compatibilityPage() {
  const { ENGINE_FUNCTIONS } = require(path.join(ROOT, 'dist', 'engine', 'engine-functions.js'));
  const exported = readExports();
  const unknown = unknownNotes(exported, ENGINE_FUNCTIONS);
  if (unknown.length > 0) {
    throw new Error(`notes on names that do not exist: ${unknown.join(', ')}`);
  }
  return [
    INTRODUCTION,
    '## Classes and their members\n',
    table(exported.filter(({ kind }) => kind === 'class').flatMap(classRows)),
    '## Enums, functions and values\n',
    table(exported.filter(({ kind }) => /enum|function|value/.test(kind)).map(nameRow)),
    '## Types\n',
    table(exported.filter(({ kind }) => /interface|type/.test(kind)).map(nameRow)),
    '## Engine functions\n',
    table(Object.keys(ENGINE_FUNCTIONS).map((name) => engineRow(name, ENGINE_FUNCTIONS[name]))),
    '## The query language\n',
    'Everything that is not here is as in the reference.\n',
    [
      '| what | how |',
      '|---|---|',
      ...LANGUAGE.map(([what, how]) => `| ${what} | ${how} |`),
      '',
    ].join('\n'),
  ].join('\n');
}

function classRows({ name, deprecated, members }) {
  const rows = [row(`**${name}**`, name, deprecated)];
  for (const member of members) {
    const forms = [];
    const call = member.isMethod ? '()' : '';
    if (member.name === 'constructor') {
      forms.push(`\`new ${name}()\``);
    } else {
      if (member.isStatic) {
        forms.push(`\`${name}.${member.name}${call}\``);
      }
      if (member.isInstance) {
        forms.push(`\`.${member.name}${call}\``);
      }
    }
    rows.push(row(forms.join(', '), `${name}.${member.name}`, member.deprecated));
  }
  return rows;
}

function nameRow({ name, kind, deprecated }) {
  return row(`${kind} \`${name}\``, name, deprecated);
}

function engineRow(name, { extra, deprecated }) {
  const note = NOTES[name];
  return cells(
    `\`${name}\``,
    note?.state ?? (extra ? 'addition' : 'as reference'),
    deprecated,
    note?.text ?? '',
  );
}

function row(title, key, deprecated) {
  const note = NOTES[key];
  return cells(title, note?.state ?? 'as reference', deprecated, note?.text ?? '');
}

function cells(title, state, deprecated, text) {
  const remark = [deprecated ? 'Deprecated.' : '', text].filter(Boolean).join(' ');
  return `| ${title} | ${state} | ${remark} |`;
}

function table(rows) {
  return ['| name | state | remarks |', '|---|---|---|', ...rows, ''].join('\n');
}

function unknownNotes(exported, functions) {
  const names = new Set([
    ...Object.keys(functions),
    ...exported.flatMap(({ name, members }) => [
      name,
      ...members.map((member) => `${name}.${member.name}`),
    ]),
  ]);
  return Object.keys(NOTES).filter((name) => !names.has(name));
}

module.exports = { compatibilityPage };
