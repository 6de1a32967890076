import { type PriceList, priceRates } from "@weft/market";
import type { PriceColumns } from "@weft/pool";

const GIB = 2 ** 30;

/** A price list as the columns that the scheduler ranks by. */
export function priceColumns(prices: PriceList): PriceColumns {
  const rates = priceRates(prices);
  const { logical, parallel, neural } = rates.perOperation;
  return {
    perGigaOperation: { logical: logical * 1e9, parallel: parallel * 1e9, neural: neural * 1e9 },
    perGibSecondMemory: rates.perMemoryByteSecond * GIB,
    perGibSecondStorage: rates.perStorageByteSecond * GIB,
    perGbIn: rates.perByteMoved * 1e9,
    perGbOut: rates.perByteMoved * 1e9,
    perTask: rates.perTask,
  };
}
