const path = require('path');
const { ROOT, bin } = require('./run');

/**
 * Everything that the package exports, read from its declarations.
 *
 * Gives `{ name, kind, deprecated, members }` for each name; members are those that are declared
 * by the export itself and that applications may use.
 */
function readExports() {
  const ts = require(bin('typescript', 'lib/typescript.js'));
  const entry = path.join(ROOT, 'index.d.ts');
  const program = ts.createProgram([entry], { types: [], skipLibCheck: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  return checker
    .getExportsOfModule(module)
    .map((symbol) => describe(ts, checker, symbol))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(ts, checker, exported) {
  const symbol =
    exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  return {
    name: exported.name,
    kind: kindOf(ts, symbol),
    deprecated: isDeprecated(symbol, checker),
    members: membersOf(ts, symbol),
  };
}

function kindOf(ts, symbol) {
  const { flags } = symbol;
  const kinds = [
    [ts.SymbolFlags.Class, 'class'],
    [ts.SymbolFlags.Enum, 'enum'],
    [ts.SymbolFlags.Function, 'function'],
    [ts.SymbolFlags.Variable, 'value'],
    [ts.SymbolFlags.Interface, 'interface'],
    [ts.SymbolFlags.TypeAlias, 'type'],
  ];
  return kinds.find(([flag]) => flags & flag)[1];
}

function membersOf(ts, symbol) {
  const declaration = (symbol.declarations ?? []).find((one) => ts.isClassDeclaration(one));
  if (declaration === undefined) {
    return [];
  }
  const seen = new Map();
  for (const member of declaration.members) {
    const flags = ts.getCombinedModifierFlags(member);
    const hidden = flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
    const name = ts.isConstructorDeclaration(member) ? 'constructor' : member.name?.getText();
    if (hidden || name === undefined) {
      continue;
    }
    const isStatic = (flags & ts.ModifierFlags.Static) !== 0;
    const tags = ts.getJSDocTags(member).map((tag) => tag.tagName.text);
    const known = seen.get(name) ?? { name, isStatic, isInstance: false, deprecated: false };
    known.isStatic = known.isStatic || isStatic;
    known.isInstance = known.isInstance || !isStatic;
    known.isMethod = ts.isMethodDeclaration(member) || name === 'constructor';
    known.deprecated = known.deprecated || tags.includes('deprecated');
    seen.set(name, known);
  }
  return [...seen.values()];
}

function isDeprecated(symbol, checker) {
  return symbol.getJsDocTags(checker).some((tag) => tag.name === 'deprecated');
}

module.exports = { readExports };
