/** A line of a tool's output without its colours. */
function stripColour(line) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
  return line.replace(/\u001b\[[0-9;]*m/g, '');
}

module.exports = { stripColour };
