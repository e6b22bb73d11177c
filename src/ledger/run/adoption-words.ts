import { count, percent } from '../../observability/format.ts';
import type { Adoption } from './adoption.ts';

/** What is known of vectors that are taken over, without a full stop. */
export function sampleWords({
  sampled,
  disagreed,
  minAgreement,
  lowestAgreeing,
  mayDisagree,
}: Omit<Adoption, 'at' | 'boundary'>): string {
  const least = lowestAgreeing === null ? '' : `, least cosine of the others ${shownCosine(lowestAgreeing)}`;
  const rest =
    disagreed === sampled
      ? ''
      : mayDisagree === 0
        ? '; every vector was compared'
        : `; of vectors beyond the sample at most ${shareWords(mayDisagree)} may disagree (95 %)`;
  return `of a sample of ${count(sampled)} rows that were embedded again, ${count(disagreed)} disagree (cosine below ${minAgreement}, or another length)${least}${rest}`;
}

export const adoptedWords = (adopted: number, adoption: Adoption): string =>
  `${count(adopted)} of the embedded rows have the vector that was there on ${adoption.at}: ${sampleWords(adoption)}`;

export const shownCosine = (value: number): string => value.toFixed(6);

/** Also of shares far below one percent. */
export const shareWords = (share: number): string =>
  share === 0 || share >= 0.01 ? percent(share) : `${(100 * share).toPrecision(2)} %`;
