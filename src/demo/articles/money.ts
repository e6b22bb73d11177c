/** Personal finance: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const money: readonly ArticleText[] = [
  {
    id: 401,
    title: 'An emergency fund first',
    body: 'Before you invest anything, put three months of rent, food and bills into a savings account that you can reach the same day. A broken boiler or a lost job then costs you sleep but not interest. Savings of this kind are boring on purpose, and that is why they protect you.',
  },
  {
    id: 402,
    title: 'Saving when there is nothing left over',
    body: 'Move a small sum on the day your pay arrives, before you can spend it. Ten pounds a week become five hundred a year. Raise it a little with every pay rise, and you will never miss the money. Putting something aside each month turns into a habit, and savings grow unnoticed.',
  },
  {
    id: 403,
    title: 'Budgeting with three envelopes',
    body: 'Half of your income for needs, a third for wishes, the rest for savings and debt: that is the whole method. Look at the bank statement of the last three months to see how far you are from it. A monthly budget shows how much money you can save or put aside.',
  },
  {
    id: 404,
    title: 'Where did the money go?',
    body: 'Write down every purchase for a month, coffee included. Most people find two or three regular payments they had forgotten, and one habit that costs more than their holiday. Cancelling is quicker than earning. A month of notes is the start of every budget, and it shows where you could save money.',
  },
  {
    id: 405,
    title: 'Subscriptions you forgot',
    body: 'Trial months turn into yearly fees without a sound. Search your statement for small sums that repeat, cancel what you have not used since spring, and put a reminder in the calendar before each renewal. Cancelled subscriptions are money saved each month without any effort.',
  },
  {
    id: 407,
    title: 'Paying off credit cards',
    body: 'List your cards with the interest rate of each, pay the minimum on all, and throw every spare coin at the dearest one. At twenty per cent, a debt doubles in four years. Leave the plastic at home meanwhile. Being free of debt feels better than anything bought on credit.',
  },
  {
    id: 408,
    title: 'Snowball or avalanche',
    body: 'Clearing the smallest debt first gives you quick victories; clearing the one with the highest interest costs less in the end. The better plan is the one you keep to. Either way, borrow nothing new. Whoever owes several lenders gets out of debt faster with a written plan.',
  },
  {
    id: 409,
    title: 'When you cannot pay a bill',
    body: 'Call before the due date. Lenders and power companies would rather agree on instalments than pay a collector. Free debt advice exists in every city; firms that advertise relief on television take a fee for the same letter. Debts grow while letters stay closed, and creditors listen to people who call.',
  },
  {
    id: 410,
    title: 'What a credit score measures',
    body: 'Lenders look at whether you paid on time, how much of your limit you use and how long you have had accounts. Checking your own report costs nothing and does no harm. Mistakes in it are common, and they can be corrected. Loans and credit cards that are paid late stay on file for years.',
  },
  {
    id: 411,
    title: 'Payday loans',
    body: 'A loan of two hundred until the end of the month can carry an annual rate above one thousand per cent. Ask your employer for an advance, a credit union, or family before you sign. Such debts grow faster than anybody can repay, and getting out takes years.',
  },
  {
    id: 413,
    title: 'Fixed or variable mortgage',
    body: 'A fixed rate keeps the monthly payment the same for years and lets you sleep; a variable one follows the market, down and up. Ask what it costs to leave early, as life changes faster than loans. People who borrow to buy a house compare at least three banks and their home loans.',
  },
  {
    id: 414,
    title: 'How much house can you afford?',
    body: 'Banks will lend more than you should borrow. Keep the mortgage, insurance and repairs below a third of what you take home, and remember the fees: notary, tax and agent can reach a tenth of the price. House buyers forget the furniture, the garden and the first repair when they borrow.',
  },
  {
    id: 415,
    title: 'The deposit for a first home',
    body: 'A down payment of a fifth opens the cheaper home loans. Saving takes years, so keep it in cash or short bonds, not in shares that may halve in the year you find the flat. First-time buyers of a house borrow less and pay lower interest if they save longer.',
  },
  {
    id: 416,
    title: 'Renting or buying',
    body: 'Buying pays only if you stay. Add interest, upkeep and lost returns on the deposit, compare with the rent for the same flat, and you often need seven years before the owner is ahead of the tenant. A house is a home first and an investment second, whatever estate agents say.',
  },
  {
    id: 417,
    title: 'Overpaying the home loan',
    body: 'An extra hundred a month shortens a mortgage of twenty-five years by about four. Check that the lender takes early repayments without a fee, and keep your emergency cushion first. Borrowing less and repaying sooner is what makes buying a house affordable.',
  },
  {
    id: 419,
    title: 'Index funds in plain words',
    body: 'An index fund buys a little of every company on the list and charges almost nothing. Few managers beat it over twenty years. Pick a broad one, pay in every month, and do not look at it in bad weeks. Beginners who start investing need no more than this and a cheap account.',
  },
  {
    id: 420,
    title: 'Shares and bonds, how much of each',
    body: 'Stocks grow more and fall harder. Money that you need within five years belongs in bonds or cash. A common start is your age in bonds, the rest in shares, and a look once a year. Beginners invest in both and accept that investments go up and down.',
  },
  {
    id: 421,
    title: 'When the stock market crashes',
    body: 'Selling after a fall turns a loss on paper into a real one. Those who kept paying in through the last three crashes were ahead within a few years. If you cannot sleep, you held too many shares. Beginners in investing learn more in such a year than in ten good ones.',
  },
  {
    id: 422,
    title: 'Fees eat returns',
    body: 'A fund that costs two per cent a year takes a third of your gains over a working life. Look for the total expense figure on the sheet; below a quarter of a per cent is good for a broad index. Investors pay these charges every year, in good times and in bad, so investing cheaply matters.',
  },
  {
    id: 423,
    title: 'The power of compound interest',
    body: 'A thousand left alone at six per cent is two thousand after twelve years and four after twenty-four, because interest earns interest. Starting ten years earlier matters more than picking the better fund. Young investors have the best chances, since investing early gives savings decades to grow before old age.',
  },
  {
    id: 425,
    title: 'How much pension will you need?',
    body: 'Count on about two thirds of your last salary once the house is paid for. Add up the state pension and that of your employer; what is missing must come from your own savings. Saving for old age is easier at thirty than at fifty, and a pension calculator shows why.',
  },
  {
    id: 426,
    title: "Take the employer's contribution",
    body: 'Where your firm doubles what you pay into the retirement plan, not taking part is refusing part of your wages. Join on the first day and raise your share whenever your pay goes up. Savings for old age that an employer adds to are the best paid savings there are.',
  },
  {
    id: 427,
    title: 'Retiring early',
    body: 'People who stop working at fifty live on far less than they earn for twenty years, and put the rest into funds. A usual rule is to draw no more than four per cent of the pot in a year. Old age is longer for those who retire at fifty, so the savings and pension have to last forty years.',
  },
  {
    id: 429,
    title: 'Which papers for the tax return',
    body: 'Gather payslips, bank interest, receipts for gifts to charity and for work at home. Keep them for seven years. Filing online is quicker, and the refund arrives in weeks instead of months. Tax software fills in most of the form by itself.',
  },
  {
    id: 430,
    title: 'Working from home and tax',
    body: 'A desk in the corner of the bedroom seldom counts, a room used only for work does. Part of the rent, heating and internet can be deducted. Note the days, because the office will ask. The tax office accepts a flat sum per day in many countries.',
  },
  {
    id: 431,
    title: 'Insurance you need and do not',
    body: 'Liability, health and the loss of your income are worth a premium. A cracked phone is not: insure what would ruin you and pay for the rest yourself. Compare offers every two years. A good insurance pays without a quarrel; ask friends about their claims.',
  },
  {
    id: 432,
    title: 'Splitting costs as a couple',
    body: 'Half and half is simple and hard on the one who earns less. Paying in proportion to income into a joint account, and keeping one account each, avoids most quarrels about money. Couples who talk about money once a month fight less about it.',
  },
  {
    id: 434,
    title: 'Talking about pay',
    body: 'Find out what others earn for the same work, write down what you achieved, and ask for a figure slightly above what you want. If the answer is no, ask what would make it a yes and when. Employees who change jobs usually raise their salary more than those who stay.',
  },
  {
    id: 435,
    title: 'Tax allowances, last year',
    body: 'The figures in this article were right two years ago and are kept for reference: allowances for savings, for a home office and for commuting by bicycle or train.',
    status: 'archived',
  },
];
