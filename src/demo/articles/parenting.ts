/** Children: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const parenting: readonly ArticleText[] = [
  {
    id: 1101,
    title: 'A newborn that cries for hours',
    body: 'Fed, dry and warm, and still screaming: many babies cry most at six weeks, in the evening. Carry the infant, hum, darken the room, take turns. If you feel that you may shake it, lay it down and leave the room. Parents of an infant that will not stop crying are more tired than they know, so ask for help.',
  },
  {
    id: 1102,
    title: 'Getting a baby to sleep',
    body: 'The same three steps every evening, in the same order, tell an infant that night is coming. Lay it down drowsy but awake. Waking at night is normal for the whole first year. Parents who lay the baby in its own cot beside their bed all sleep better.',
  },
  {
    id: 1103,
    title: 'Breast or bottle',
    body: 'Breast milk protects, yet a fed baby and a rested mother matter more than the method. Latching hurts at first and should not after two weeks; ask a midwife early. Formula is safe when it is mixed exactly. Babies show hunger long before they start screaming.',
  },
  {
    id: 1104,
    title: 'First solid food',
    body: 'At about six months, when a child sits with support and grabs your spoon, start with mashed vegetables. Small lumps are fine, honey and salt are not. Most of it lands on the floor. Babies take what their parents eat most gladly.',
  },
  {
    id: 1105,
    title: 'Teething',
    body: 'Red cheeks, dribble, fists in the mouth. A cool ring or a wet flannel soothes sore gums. Teeth bring no high fever; a hot baby needs a doctor. An infant with sore gums may scream in the evening and stop when it is carried.',
  },
  {
    id: 1106,
    title: 'Nappy rash',
    body: 'Air is the best cream: let the bottom dry in the open several times a day. Change diapers often, wash with water, and use zinc ointment. Bright red spots at the edge may be thrush. A baby with a sore bottom cries when it is changed.',
  },
  {
    id: 1108,
    title: 'Tantrums in the supermarket',
    body: 'A toddler on the floor is overwhelmed, not wicked. Stay close, say little, keep it safe, and ignore the audience. Talk about it later, and shop before lunch and not after. Toddlers behave badly when they are tired, hungry or bored.',
  },
  {
    id: 1109,
    title: 'Setting limits',
    body: 'Few rules, the same every day, and a consequence that follows at once. Children test a limit to see whether it holds. No is a whole sentence, but a reason helps it stick. Toddlers behave better when parents agree with each other.',
  },
  {
    id: 1110,
    title: 'Potty training',
    body: 'Somewhere between two and three a child notices that it is wet. Put the potty where it plays, leave off nappies for a long weekend, and praise. Pressure makes it last a year. Toddlers may be dry by day a year before the night.',
  },
  {
    id: 1111,
    title: 'Sharing toys',
    body: 'Before three, sharing is a foreign word. Take turns by the kitchen clock, put away the favourite bear before guests come, and let small quarrels end by themselves. Toddlers behave as they see others behave, so show them how to share.',
  },
  {
    id: 1112,
    title: 'Fear of the dark',
    body: 'Monsters under the bed are real feelings. A night light, an open door and a look under the bed together work better than saying that there is nothing. It passes by seven. Children with an early bedtime and no scary films sleep better.',
  },
  {
    id: 1114,
    title: 'A new brother or sister',
    body: 'Tell the older child before the neighbours know. Let visitors greet it first, and keep ten minutes a day for it alone. Wanting to be a baby again is a question to be answered with a hug. Jealous children behave like babies for a while.',
  },
  {
    id: 1115,
    title: 'Siblings who fight',
    body: 'Step in for blows, not for words. Do not look for who started; ask both for a way out. Children who quarrel at home learn to make up there too. Parents who compare their children feed the fight.',
  },
  {
    id: 1117,
    title: 'First day at kindergarten',
    body: 'Visit together several times, leave for ten minutes, then for an hour. Say goodbye clearly and go. Tears dry within minutes once you are out of sight; the teacher will call if not. Children feel whether their parents trust the place.',
  },
  {
    id: 1118,
    title: 'Homework without tears',
    body: 'A fixed hour, an empty table, a snack before. Sit nearby, but let the pencil be theirs. If it takes longer than half an hour in primary school, write a note to the teacher. School children forget half of what they learn when they are tired.',
  },
  {
    id: 1119,
    title: 'Reading aloud',
    body: 'Ten minutes at bedtime teach more words than any programme. Let the child turn the page and choose the same book for the thirtieth time. Pupils who were read to read better. Children without books at home profit most from the library.',
  },
  {
    id: 1120,
    title: 'My child is bullied',
    body: 'Listen, believe and write down what happened and when. Speak to the school and not to the other parents. Children who are tormented often say that they have a stomach ache on Mondays. School has to protect children, and parents may insist on it.',
  },
  {
    id: 1121,
    title: 'Learning to swim',
    body: 'Seven is a good age for strokes, four for losing fear of water. Armbands save nobody: stay within reach. A child who can float on its back and get to the edge is on the way. Children drown silently, within a minute, in shallow water.',
  },
  {
    id: 1123,
    title: 'How much screen time?',
    body: 'Under two none, before school half an hour, later by agreement. What matters is what it pushes aside: sleep, play, talk. Tablets charge overnight in the kitchen, those of the parents too. Children copy what their parents do with their own phones.',
  },
  {
    id: 1124,
    title: 'A first smartphone',
    body: 'When the way to school gets long, a phone that calls is enough. Agree on apps, on money and on what happens if something frightens them. Look at it together rather than in secret. Children in one class have fewer quarrels when parents agree on one age.',
  },
  {
    id: 1125,
    title: 'Pocket money',
    body: 'A small sum every week, theirs to waste. At ten change to monthly, and let them be broke once. Paying for chores mixes two lessons. Children learn about money by having too little of it.',
  },
  {
    id: 1126,
    title: 'Fussy eaters',
    body: 'You decide what and when, the child decides whether and how much. A new vegetable has to lie on the plate a dozen times before it is tried. No dessert as a bribe, and no second menu. Children eat better when they helped to cook.',
  },
  {
    id: 1128,
    title: 'Talking with teenagers',
    body: 'They talk in the car, at midnight, and beside you rather than opposite. Ask about the film and not the marks. Slammed doors are not meant personally. Adolescents need parents who are there and do not ask too much.',
  },
  {
    id: 1129,
    title: 'A teenager who sleeps until noon',
    body: 'The inner clock shifts by two hours at puberty, so school starts in the middle of their night. Daylight at breakfast and no phone in bed help. Weekends make up only a part. Adolescents who sleep too little learn badly and are in a bad mood.',
  },
  {
    id: 1130,
    title: 'Going back to work after the baby',
    body: 'Begin with a week of half days, and settle the child in care a month before. Share the sick days beforehand. Guilt is normal, and it fades. Parents who both work need one plan for normal days and one for bad ones.',
  },
];
