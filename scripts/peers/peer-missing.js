/**
 * A real peer that cannot run on this machine.
 *
 * `refused` tells that a registry did not hand out a download: that is nobody's fault here. All
 * else fails the interop tests when `CI` is set and skips them otherwise.
 */
class PeerMissing extends Error {
  constructor(reason, { refused = false } = {}) {
    super(reason);
    this.refused = refused;
  }
}

module.exports = { PeerMissing };
