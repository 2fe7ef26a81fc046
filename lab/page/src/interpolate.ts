// What d3-scale needs of d3-interpolate for an axis of numbers; its colours would be a tenth of the whole page.
export const interpolateNumber = (a: number, b: number) => (t: number): number => a * (1 - t) + b * t;
export const interpolateRound = (a: number, b: number) => (t: number): number => Math.round(a * (1 - t) + b * t);
// The bundle of d3-scale names these, too; scales of colours alone call them otherwise than with numbers.
export { interpolateNumber as interpolate, interpolateNumber as piecewise };
