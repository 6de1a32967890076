import { type Bytes, type Instant, type Micros, money } from "@weft/kernel";
import { expect, it } from "vitest";
import {
  Biller,
  type Contract,
  cloudEvent,
  type Offer,
  periodOf,
  rate,
  tmfAppliedRates,
  tmfCustomerBill,
  tmfOfferingPrices,
  tmfProductOffering,
  tmfUsage,
  type UsageRecord,
} from "./index.ts";
import { PRICES, termsBetween, WITHOUT_TERMS } from "./testing/papers.ts";

/** Members of the published v4 schemas (swagger of TMF620 4.1, 622, 635, 678 4.0), with those that must be there. */
const SCHEMAS = {
  Usage:
    "id href description usageDate usageType ratedProductUsage relatedParty status usageCharacteristic usageSpecification",
  RatedProductUsage:
    "isBilled isTaxExempt offerTariffType ratingAmountType ratingDate taxRate usageRatingTag bucketValueConvertedInAmount productRef taxExcludedRatingAmount taxIncludedRatingAmount",
  UsageCharacteristic: "id name! valueType characteristicRelationship value!",
  RelatedParty: "id! href name role @referredType!",
  Money: "unit value",
  CustomerBill:
    "id href billDate billNo category lastUpdate nextBillDate paymentDueDate runType amountDue appliedPayment billDocument billingAccount billingPeriod financialAccount paymentMethod relatedParty remainingAmount state taxExcludedAmount taxIncludedAmount taxItem",
  TaxItem: "taxCategory taxRate taxAmount",
  AppliedCustomerBillingRate:
    "id! href date description isBilled name type appliedTax bill billingAccount characteristic periodCoverage product taxExcludedAmount taxIncludedAmount",
  ProductOrder:
    "id href cancellationDate cancellationReason category completionDate description expectedCompletionDate externalId notificationContact orderDate priority requestedCompletionDate requestedStartDate agreement billingAccount channel note orderTotalPrice payment productOfferingQualification productOrderItem! quote relatedParty state",
  ProductOrderItem:
    "id! quantity action! appointment billingAccount itemPrice itemTerm itemTotalPrice payment product productOffering productOrderItem qualification quoteItem state",
  OrderPrice:
    "description name priceType recurringChargePeriod unitOfMeasure billingAccount price priceAlteration productOfferingPrice",
  ProductOffering:
    "id href description isBundle isSellable lastUpdate lifecycleStatus name statusReason version agreement attachment bundledProductOffering category channel marketSegment place prodSpecCharValueUse productOfferingPrice productOfferingTerm productSpecification resourceCandidate serviceCandidate serviceLevelAgreement validFor",
  ProductOfferingPrice:
    "id href description isBundle lastUpdate lifecycleStatus name percentage priceType recurringChargePeriodLength recurringChargePeriodType version bundledPopRelationship constraint place popRelationship price pricingLogicAlgorithm prodSpecCharValueUse productOfferingTerm tax unitOfMeasure validFor",
} as const;
function conforms(value: object, schema: keyof typeof SCHEMAS): void {
  const members = SCHEMAS[schema].split(" ");
  const names = members.map((member) => member.replace("!", ""));
  for (const name of Object.keys(value)) {
    if (!name.startsWith("@")) expect(names, `${schema}.${name}`).toContain(name);
  }
  for (const member of members.filter((m) => m.endsWith("!"))) {
    expect(value, schema).toHaveProperty([member.slice(0, -1)]);
  }
}

const at = (iso: string): Instant => (Date.parse(iso) * 1000) as Instant;
const contract = {
  terms: termsBetween("aa", "bb", "cc", {
    order: {
      order: {
        id: "o-1",
        consumer: "aa",
        taskDigest: "ab",
        payAtMost: money(900n),
        notAfter: at("2027-01-01"),
      },
      signature: "",
    },
    validFrom: at("2026-11-22"),
    validUntil: at("2026-11-23"),
  }),
  manager: null,
  provider: null,
} satisfies Contract;
const record: UsageRecord = {
  id: "r-1",
  contract: "c-1",
  node: "corner",
  sequence: 1,
  startedAt: at("2026-11-22T10:00:00Z"),
  endedAt: at("2026-11-22T10:00:01Z"),
  cpuTime: 1 as Micros,
  wallTime: 1 as Micros,
  operations: 9_100_000_000n,
  memoryTime: 10n ** 20n,
  storageTime: 0n,
  inputBytes: 1 as Bytes,
  outputBytes: 2 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
};

it("a usage record is a TMF635 Usage; what no JSON number holds is text", () => {
  const charge = rate(record, contract.terms);
  const usage = tmfUsage(
    record,
    contract,
    { charge, at: at("2026-11-22T10:00:02Z"), billed: false },
    "rated",
  );
  conforms(usage, "Usage");
  for (const item of usage.usageCharacteristic) conforms(item, "UsageCharacteristic");
  for (const item of usage.ratedProductUsage) {
    conforms(item, "RatedProductUsage");
    conforms(item.taxExcludedRatingAmount, "Money");
  }
  for (const item of usage.relatedParty) conforms(item, "RelatedParty");
  expect(usage.usageCharacteristic).toContainEqual({
    name: "memoryByteMicroseconds",
    valueType: "string",
    value: "100000000000000000000",
  });
  const total = usage.ratedProductUsage.reduce((sum, line) => sum + line.taxExcludedRatingAmount.value, 0);
  expect(total).toBeCloseTo(Number(charge.total) / 1e6, 9);
});

it("an invoice is a TMF678 CustomerBill, and its lines are applied rates", () => {
  const billables = [
    { id: "c-1", account: "ann", at: at("2026-11-22"), description: "task", amount: money(1_000_000n) },
  ];
  const month = periodOf(at("2026-11-22"), "month");
  const biller = new Biller("CNY", [{ kind: "tax", name: "VAT", ppm: 60_000 }]);
  const invoice = { ...biller.draft("ann", month, billables, at("2026-12-01")), number: 3 };
  const bill = tmfCustomerBill(invoice, money(60_000n), "partiallyPaid");
  conforms(bill, "CustomerBill");
  for (const item of bill.taxItem) conforms(item, "TaxItem");
  expect(bill).toMatchObject({
    billNo: "3",
    amountDue: { unit: "CNY", value: 1.06 },
    taxExcludedAmount: { value: 1 },
    billingPeriod: { startDateTime: "2026-11-01T00:00:00.000000Z" },
  });
  for (const line of tmfAppliedRates(invoice)) conforms(line, "AppliedCustomerBillingRate");
});

it("an offer is a TMF620 ProductOffering with its prices", () => {
  const offer: Offer = {
    id: "offer-1",
    provider: "bob",
    node: "corner",
    region: "ningbo",
    grade: "entry",
    compute: ["neural"],
    prices: PRICES,
    ...WITHOUT_TERMS,
    validUntil: at("2026-12-01"),
  };
  const offering = tmfProductOffering(offer, true, at("2026-11-22"));
  conforms(offering, "ProductOffering");
  expect(offering).toMatchObject({ isSellable: true, lifecycleStatus: "Active" });
  expect(tmfProductOffering(offer, true, at("2026-12-01"))).toMatchObject({
    isSellable: false,
    lifecycleStatus: "Retired",
  });
  const list = tmfOfferingPrices(offer, "CNY");
  for (const price of list) {
    conforms(price, "ProductOfferingPrice");
    conforms(price.price, "Money");
  }
  expect(offering.productOfferingPrice.map(({ id }) => id)).toEqual(list.map(({ id }) => id));
  expect(list[0]).toMatchObject({ price: { unit: "CNY", value: 40 }, unitOfMeasure: { amount: 1e15 } });
  expect(list.map(({ unitOfMeasure: { amount, units } }) => `${amount} ${units}`)).toEqual([
    ...Array<string>(3).fill("1000000000000000 operation"),
    ...["1 GiB·h", "1 GiB·h", "1 GB", "1 Gbit/s·h", "1 task"],
  ]);
});

it("what happened is a CloudEvent", () => {
  const event = { id: "7", type: "dev.weft.contract.settled", subject: "c-1", at: at("2026-11-22") };
  expect(cloudEvent(event, "https://manager.example", { total: "410" })).toEqual({
    specversion: "1.0",
    id: "7",
    source: "https://manager.example",
    type: "dev.weft.contract.settled",
    subject: "c-1",
    time: "2026-11-22T00:00:00.000000Z",
    datacontenttype: "application/json",
    data: { total: "410" },
  });
});
