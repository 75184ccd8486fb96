// Package program is what the programs worker and server have in common: settings
// with the same names and validation, opening what the settings name, and the
// answers to health probes. It stands directly below them and above workflows and
// activities, because it uses adapters of both; neither program imports the other.
package program
